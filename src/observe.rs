//! What happens to requests, for logs, metrics and usage.
//!
//! The authenticator and the layers notify observers; nothing comes back. Start with [`Observe`] and [`Outcome`]
//! below. `queue.rs` moves a slow observer to its own thread; `metrics.rs` and `tracing.rs` pass outcomes to those
//! facades, and `usage.rs` counts them by client and key. `kind.rs` numbers the outcomes, for counters.
//! `store_metrics.rs` sets gauges of the stores in memory.

use std::fmt;
use std::sync::Arc;

use crate::callback::guarded;
use crate::client::{Client, ClientProfile};
use crate::error::{AuthError, WrongReason};
use crate::key::KeyId;

#[cfg(any(feature = "usage", feature = "metrics"))]
mod kind;
#[cfg(feature = "metrics")]
mod metrics;
mod queue;
#[cfg(feature = "metrics")]
mod store_metrics;
#[cfg(feature = "tracing")]
mod tracing;
#[cfg(feature = "usage")]
mod usage;

#[cfg(any(feature = "usage", feature = "metrics"))]
use kind::Kind;
#[cfg(feature = "metrics")]
pub use metrics::OutcomeMetrics;
pub use queue::QueuedObserver;
#[cfg(feature = "metrics")]
pub use store_metrics::{StoreMetrics, record_store_metrics};
#[cfg(feature = "tracing")]
pub use tracing::OutcomeEvents;
#[cfg(feature = "usage")]
pub use usage::{Activity, ClientUsage, KeyUsage, Rates, TopClient, Usage, UsageSnapshot};

/// Receives the outcome of each request: for logs, metrics, and to know who is calling.
///
/// An [`Authenticator`](crate::Authenticator) notifies its observers of every request that it decides on. The
/// [`ApiKeyLayer`](crate::ApiKeyLayer) and [`Authenticator::respond`](crate::Authenticator::respond) notify them of
/// requests that were admitted and then refused: for a scope or a quota, because the counters of quotas were
/// unavailable, or because an anonymous caller had to be a client. Such a request has two outcomes, admitted and refused.
/// A refusal is reported once, by the nearest authenticator, or by none if that one has no observers.
///
/// Not reported: anonymous requests that are served; refusals that never become a response with the [`AuthError`] in its
/// extensions; errors that a handler makes itself; and [`verify`](crate::verify), which has no observers. Reported
/// twice: a request that passes the same authenticator twice, for example in two layers; an anonymous request that
/// another authenticator refuses for want of a key; an error that [`respond`](crate::Authenticator::respond) answers
/// twice.
///
/// The request waits for the call: wrap an observer that may be slow in a [`QueuedObserver`]. A panic of an observer
/// ends neither the request nor the other observers; with the feature `tracing`, it is reported as an event.
///
/// A closure over `&Outcome` is an observer.
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

/// The outcome of a request: admitted, or refused and why.
///
/// It is fit for the service's own logs: it holds no key, and no id of a key that the store does not know.
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    result: Result<&'a Client, &'a AuthError>,
    profile: Option<&'a ClientProfile>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn admitted(client: &'a Client) -> Self {
        Self { result: Ok(client), profile: Some(client.profile()) }
    }

    /// A refusal. The profile is that of the key's client, if the key is known.
    pub(crate) fn refused(error: &'a AuthError, profile: Option<&'a ClientProfile>) -> Self {
        Self { result: Err(error), profile: profile.or_else(|| Some(error.client()?.profile())) }
    }

    /// The admitted client.
    ///
    /// # Errors
    ///
    /// Why the request was refused.
    pub fn result(&self) -> Result<&'a Client, &'a AuthError> {
        self.result
    }

    /// The client that the key belongs to, also if the key was refused.
    pub fn client(&self) -> Option<&'a ClientProfile> {
        self.profile
    }

    /// The id of the key, if the store knows it.
    pub fn key_id(&self) -> Option<KeyId> {
        match self.result {
            Ok(client) => Some(client.key_id()),
            Err(error) => error.key_id(),
        }
    }

    /// Why the key is wrong, if that is known. For `too_many_failures` it is known unless the store was not asked.
    pub fn reason(&self) -> Option<WrongReason> {
        self.result.err()?.reason()
    }

    /// One word, for the label of a metric: `admitted`, `no_credentials`, a [`WrongReason`], `insufficient_scope`,
    /// `throttled` (a client, by its quota), `too_many_failures` (a wrong key, by a `FailureThrottle`) or
    /// `unavailable`.
    pub fn name(&self) -> &'static str {
        match self.result {
            Ok(_) => "admitted",
            Err(error) => error.name(),
        }
    }
}

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("name", &self.name())
            .field("client", &self.profile.map(ClientProfile::name))
            .field("key_id", &self.key_id())
            .finish()
    }
}

/// The observers of an authenticator, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<Arc<Vec<Arc<dyn Observe>>>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observe) {
        let mut all = self.0.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        all.push(Arc::new(observer));
        self.0 = Some(Arc::new(all));
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Reports an admitted client and returns it. Without observers, the client stays in registers; with observers,
    /// its parts are passed on one by one, since copying the whole takes longer than notifying (15 ns).
    #[inline]
    pub(crate) fn notify_admitted(&self, client: Client) -> Client {
        if self.is_empty() {
            return client;
        }
        let (profile, key_id, by_bearer) = client.into_parts();
        self.notify_admitted_parts(profile, key_id, by_bearer)
    }

    #[inline(never)]
    fn notify_admitted_parts(
        &self,
        profile: ClientProfile,
        key_id: KeyId,
        by_bearer: bool,
    ) -> Client {
        let client = Client::new(profile, key_id, by_bearer);
        self.notify(Outcome::admitted(&client));
        client
    }

    /// Reports the refusal of an unknown caller and returns it.
    #[inline]
    pub(crate) fn notify_refused(&self, error: AuthError) -> AuthError {
        if !self.is_empty() {
            self.notify(Outcome::refused(&error, None));
        }
        error
    }

    #[inline(never)]
    pub(crate) fn notify(&self, outcome: Outcome<'_>) {
        for observer in self.0.iter().flat_map(|all| all.iter()) {
            guarded(|| observer.observe(&outcome));
        }
    }
}
