//! Clients: their profiles, and the verified caller.
//!
//! A [`ClientProfile`] comes from a store. Only verification makes a [`Client`] of it. Start with `verified.rs` and
//! `profile.rs`. `scope.rs`, `quota.rs`, `rate.rs` and `label.rs` are the grammars of a profile's fields, and
//! `profile_error.rs` their violations. `restrictions.rs` is the profile of a key that is restricted beyond its client.
//! `client_map.rs` keeps state per client. `address.rs` finds the address of a client and the transport of its request
//! (`transport.rs`), with the headers of proxies (`proxies.rs`, `forwarded.rs`). `network.rs` is the grammar of
//! networks.

mod address;
#[cfg(any(feature = "throttle", feature = "usage", feature = "metrics"))]
// Each of these three features uses a part of it.
#[cfg_attr(not(all(feature = "throttle", feature = "usage")), allow(dead_code))]
pub(crate) mod client_map;
mod forwarded;
pub(crate) mod label;
mod network;
mod profile;
mod profile_error;
mod proxies;
mod quota;
mod rate;
mod restrictions;
mod scope;
mod transport;
mod validate;
mod verified;

pub use address::ClientAddress;
pub use label::{LabelError, MAX_NAME_CHARS};
pub(crate) use network::CanonicalAddress;
pub use network::{Network, ParseNetworkError};
pub use profile::ClientProfile;
pub(crate) use profile::ProfileParts;
pub use profile_error::{MAX_METADATA_BYTES, ProfileError};
pub use proxies::TrustedProxies;
pub use quota::Quota;
pub use rate::{ParseQuotaError, Rate, RateUnit};
pub(crate) use restrictions::{KeyRestrictions, sorted};
pub(crate) use scope::is_scope;
pub use scope::{ParseScopeError, Scope};
pub use transport::Transport;
pub use verified::Client;
