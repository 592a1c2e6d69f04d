//! The guide: how to run a service with keygate. Each page is a file in `docs/`.

#[doc = include_str!("../docs/databases.md")]
pub mod databases {}

#[doc = include_str!("../docs/operate.md")]
pub mod operate {}

#[doc = include_str!("../docs/sources.md")]
pub mod sources {}
