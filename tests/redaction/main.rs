//! No type of the crate ever shows a key, its digest, or the bytes of either.

mod canary;
mod errors;
mod managing;
mod panics;
#[path = "../public_types/mod.rs"]
mod public_types;
mod requests;
#[cfg(feature = "postgres")]
#[path = "../servers/mod.rs"]
mod servers;
mod throttling;
mod types;
mod yaml;
