//! The outcome of each request, for logs, metrics and usage.
//!
//! The authenticator and the layers notify observers; observers return nothing. Start with [`Observe`] below and
//! [`Outcome`] in `outcome.rs`. `kind.rs` is the one list of outcomes, with their names. `observers.rs` calls the observers
//! of an authenticator, and `queue.rs` runs a slow one on its own thread. `metrics.rs` and `tracing.rs` pass outcomes to
//! those facades, and `usage.rs` counts them by client and key. `store_metrics.rs` sets gauges of the stores that hold
//! their keys in memory.

mod kind;
#[cfg(feature = "metrics")]
mod metrics;
mod observers;
mod outcome;
mod queue;
#[cfg(feature = "metrics")]
mod store_metrics;
#[cfg(feature = "tracing")]
mod tracing;
#[cfg(feature = "usage")]
mod usage;

pub use kind::OutcomeKind;
#[cfg(feature = "metrics")]
pub use metrics::OutcomeMetrics;
pub(crate) use observers::Observers;
pub use outcome::Outcome;
pub use queue::QueuedObserver;
#[cfg(feature = "metrics")]
pub use store_metrics::{StoreMetrics, record_store_metrics};
#[cfg(feature = "tracing")]
pub use tracing::OutcomeEvents;
#[cfg(feature = "usage")]
pub use usage::{Activity, ClientUsage, KeyUsage, Rates, TopClient, Usage, UsageSnapshot};
#[cfg(all(feature = "usage", any(feature = "postgres", feature = "sqlite")))]
#[cfg_attr(
    docsrs,
    doc(cfg(all(feature = "usage", any(feature = "postgres", feature = "sqlite"))))
)]
pub use usage::{
    ClientLastUse, ClientSeries, ClientTotals, KeyTotals, LastUses, UsageBucket, UsageHistory,
    UsagePoint, UsageQuery, UsageTotals, UsageWatch, UsageWriter, UsageWriterHealth, state_folder,
};

/// Receives the outcome of each request: for logs, for metrics, and to see which clients call.
///
/// An [`Authenticator`](crate::Authenticator) notifies its observers of every request that it decides on. The
/// [`ApiKeyLayer`](crate::ApiKeyLayer) and [`Authenticator::respond`](crate::Authenticator::respond) also notify them of
/// requests that are admitted and refused later: for a missing scope, for a spent quota, because the counters of quotas
/// are unavailable, or because a route requires a client and the caller is anonymous. An admitted request that is refused
/// later has two outcomes. A later refusal is reported once, by the nearest authenticator, or not at all if that
/// authenticator has no observers.
///
/// Not reported:
///
/// - anonymous requests that are served
/// - refusals that never become a response with the [`AuthError`](crate::AuthError) in its extensions
/// - errors that a handler makes itself
/// - [`verify`](crate::verify), which has no observers
///
/// Reported twice:
///
/// - a request that passes the same authenticator twice, for example in two layers
/// - an anonymous request that another authenticator refuses because it has no key
/// - an error that is passed to [`respond`](crate::Authenticator::respond) twice
///
/// The request waits while an observer runs: wrap a slow one in a [`QueuedObserver`]. If an observer panics, the request
/// and the other observers continue. With the feature `tracing`, the panic is reported as an event.
///
/// Closures `Fn(&Outcome<'_>)` are observers.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Outcome};
///
/// let auth = Authenticator::new(MemoryStore::new())
///     .add_observer(|outcome: &Outcome<'_>| println!("{}", outcome.name()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not observe outcomes of requests",
    note = "implement `Observe`, or pass a closure `Fn(&Outcome<'_>)`"
)]
pub trait Observe: Send + Sync + 'static {
    /// Receives the outcome of one request.
    fn observe(&self, outcome: &Outcome<'_>);
}

impl<F: Fn(&Outcome<'_>) + Send + Sync + 'static> Observe for F {
    fn observe(&self, outcome: &Outcome<'_>) {
        self(outcome);
    }
}
