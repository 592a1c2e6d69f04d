//! Clients: what is known of them, and the verified caller.
//!
//! A [`ClientProfile`] comes from a store; a [`Client`] goes out, which only
//! verification makes. Start with `verified.rs` and `profile.rs`. `scope.rs`, `quota.rs` and `label.rs` are the grammars of
//! a profile's fields; `client_map.rs` keeps state per client.

#[cfg(any(feature = "throttle", feature = "usage", feature = "metrics"))]
// Each of the three needs a part of it.
#[cfg_attr(not(all(feature = "throttle", feature = "usage")), allow(dead_code))]
mod client_map;
pub(crate) mod label;
mod profile;
mod quota;
mod scope;
mod verified;

#[cfg(any(feature = "throttle", feature = "usage", feature = "metrics"))]
pub(crate) use client_map::ClientMap;
pub use label::{LabelError, MAX_NAME_CHARS};
pub use profile::{ClientProfile, MAX_METADATA_BYTES, ProfileError};
pub use quota::{ParseQuotaError, Quota, Rate, RateUnit};
pub(crate) use scope::is_scope;
pub use scope::{ParseScopeError, Scope};
pub use verified::Client;
