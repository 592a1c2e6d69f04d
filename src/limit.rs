//! Quotas at work, and the throttle of wrong keys.
//!
//! A verified [`Client`](crate::Client) comes in, with its [`Quota`](crate::Quota); out goes a
//! [`Permit`] or [`AuthError::Throttled`](crate::AuthError::Throttled). Start with [`Throttle`] in
//! `throttle.rs`, which asks its [`Counters`] (`counters.rs`). Those in memory (`memory.rs`) keep one
//! `QuotaState` (`state.rs`) per client, decided on by GCRA (`gcra.rs`). `headers.rs` writes the RateLimit headers. `failures.rs` is the throttle of wrong keys, by
//! address.

mod counters;
mod deadline;
mod failures;
mod gcra;
mod headers;
mod memory;
mod permit;
mod state;
mod throttle;

pub use counters::{Counters, Decision, LocalCounters, PendingDecision, RateLimitRequest};
#[cfg(feature = "tower")]
pub(crate) use deadline::WithDeadline;
pub use failures::{FailureThrottle, ParseNetworkError, TrustedProxies};
pub use memory::MemoryCounters;
pub use permit::Permit;
pub use throttle::Throttle;
#[cfg(feature = "tower")]
pub(crate) use throttle::{EffectiveQuota, decide};
