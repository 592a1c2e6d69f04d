//! Quotas, and the throttle of wrong keys.
//!
//! A verified [`Client`](crate::Client) with its [`Quota`](crate::Quota) comes in; a [`Permit`] or
//! [`AuthError::Throttled`](crate::AuthError::Throttled) goes out. Start with [`Throttle`] in `throttle.rs`, which
//! calls its [`Counters`] (`counters.rs`). The counters in `memory.rs` keep one `QuotaState` (`state.rs`) per client,
//! and decide by GCRA (`gcra.rs`). `headers.rs` writes the RateLimit headers. `failures.rs` throttles wrong keys by
//! address.

mod counters;
mod failures;
mod gcra;
mod headers;
mod memory;
mod permit;
mod state;
mod throttle;

pub use counters::{Counters, Decision, LocalCounters, PendingDecision, RateLimitRequest};
pub use failures::FailureThrottle;
pub use memory::MemoryCounters;
pub use permit::Permit;
pub use throttle::Throttle;
#[cfg(feature = "tower")]
pub(crate) use throttle::{EffectiveQuota, decide};
