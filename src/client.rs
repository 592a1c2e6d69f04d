//! Clients: their profiles, and the verified caller.
//!
//! A [`ClientProfile`] comes from a store; a [`Client`] goes out, which only verification creates. Start with
//! `verified.rs` and `profile.rs`. `scope.rs`, `quota.rs`, `rate.rs` and `label.rs` are the grammars of a profile's
//! fields, and `profile_error.rs` their violations. `client_map.rs` keeps state per client.

#[cfg(any(feature = "throttle", feature = "usage", feature = "metrics"))]
// Each of the three needs a part of it.
#[cfg_attr(not(all(feature = "throttle", feature = "usage")), allow(dead_code))]
pub(crate) mod client_map;
pub(crate) mod label;
mod profile;
mod profile_error;
mod quota;
mod rate;
mod scope;
mod verified;

pub use label::{LabelError, MAX_NAME_CHARS};
pub use profile::ClientProfile;
pub(crate) use profile::ProfileParts;
pub use profile_error::{MAX_METADATA_BYTES, ProfileError};
pub use quota::Quota;
pub use rate::{ParseQuotaError, Rate, RateUnit};
pub(crate) use scope::is_scope;
pub use scope::{ParseScopeError, Scope};
pub use verified::Client;
