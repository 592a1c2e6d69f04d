//! Quotas at work, and the throttle of wrong keys.
//!
//! A verified [`Client`](crate::Client) comes in, with its [`Quota`](crate::Quota); out goes a
//! [`Permit`] or [`AuthError::Throttled`](crate::AuthError::Throttled). Start with [`Throttle`] in
//! `throttle.rs`, which asks its [`Counters`] (`counters.rs`). Those in memory (`memory.rs`) keep one
//! `QuotaState` (`state.rs`) per client, decided on by GCRA (`gcra.rs`). `layer.rs` and `future.rs` are
//! the tower layer, `headers.rs` writes the RateLimit headers. `failures.rs` is the throttle of wrong keys, by
//! address.

mod counters;
mod deadline;
mod failures;
#[cfg(feature = "tower")]
mod future;
mod gcra;
mod headers;
#[cfg(feature = "tower")]
mod layer;
mod memory;
mod permit;
mod state;
mod throttle;
mod throttled;

pub use counters::{Counters, Decision, LocalCounters, PendingDecision, RateLimitRequest};
pub(crate) use failures::{Address, Failures};
pub use failures::{FailureThrottle, ParseNetworkError, TrustedProxies};
#[cfg(feature = "tower")]
pub use future::ThrottleFuture;
#[cfg(feature = "tower")]
pub use layer::{ThrottleLayer, ThrottleService};
pub use memory::MemoryCounters;
pub use permit::Permit;
pub use throttle::Throttle;
pub use throttled::Throttled;
