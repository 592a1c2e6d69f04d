use std::any::Any;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::client::Client;
use crate::digest::KeyId;
use crate::error::{AuthError, WrongReason};
use crate::profile::ClientProfile;

#[cfg(any(feature = "usage", feature = "metrics"))]
mod kind;
#[cfg(feature = "metrics")]
mod metrics;
mod queue;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(any(feature = "usage", feature = "metrics"))]
pub(crate) use kind::Kind;
#[cfg(feature = "metrics")]
pub use metrics::OutcomeMetrics;
pub use queue::QueuedObserver;
#[cfg(feature = "tracing")]
pub use tracing::OutcomeEvents;

/// Is told what became of each request: for logs, metrics, and to know who is calling.
///
/// An [`Authenticator`](crate::Authenticator) tells it of every request that it decided on; the
/// [`ApiKeyLayer`](crate::ApiKeyLayer) and [`Authenticator::respond`](crate::Authenticator::respond), of those
/// that were refused behind it: by a scope, by a quota, because the counters of quotas could not answer, or
/// because a caller that was let through as anonymous had to be a client. Such a request is told of twice, as
/// admitted and as refused. Each refusal is told of once, by the authenticator that is next to it where there are
/// several, and by none where that one has no observers.
///
/// Not told of: anonymous requests that are served; refusals that never become a response with the [`AuthError`]
/// in its extensions; errors that a handler makes itself, or [`verify`](crate::verify), which has no observers.
/// Told of twice: a request that passes the same authenticator twice, by two layers, or by a layer and a handler
/// that verifies it once more; one that a layer has let through as anonymous and another authenticator has refused
/// for want of a key; an error that is answered twice by [`respond`](crate::Authenticator::respond).
///
/// It is called on the way of the request, which waits for it: one that may take its time belongs into a
/// [`QueuedObserver`], which never waits. What it panics with is lost, and the request goes on.
///
/// A closure from `&Outcome` is an observer.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Outcome};
///
/// let auth = Authenticator::new(MemoryStore::new())
///     .add_observer(|outcome: &Outcome<'_>| println!("{}", outcome.name()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not told what becomes of requests",
    note = "implement `Observe`, or give a closure `Fn(&Outcome<'_>)`"
)]
pub trait Observe: Send + Sync + 'static {
    /// Is told of one request.
    fn observe(&self, outcome: &Outcome<'_>);
}

impl<F: Fn(&Outcome<'_>) + Send + Sync + 'static> Observe for F {
    fn observe(&self, outcome: &Outcome<'_>) {
        self(outcome);
    }
}

/// What became of a request: let in, or refused and why.
///
/// It is fit for the service's own logs: it holds no key, and no id of one that the store does not
/// know.
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    result: Result<&'a Client, &'a AuthError>,
    profile: Option<&'a ClientProfile>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn admitted(client: &'a Client) -> Self {
        Self { result: Ok(client), profile: Some(client.profile()) }
    }

    /// Of a key that the store knows or not; the profile is that of its client.
    pub(crate) fn refused(error: &'a AuthError, profile: Option<&'a ClientProfile>) -> Self {
        Self { result: Err(error), profile: profile.or_else(|| Some(error.client()?.profile())) }
    }

    /// The client that was let in, or why not.
    ///
    /// # Errors
    ///
    /// The request was refused.
    pub fn result(&self) -> Result<&'a Client, &'a AuthError> {
        self.result
    }

    /// The client whose key it is, also where the key was refused.
    pub fn client(&self) -> Option<&'a ClientProfile> {
        self.profile
    }

    /// The key, where the store knows it.
    pub fn key_id(&self) -> Option<KeyId> {
        match self.result {
            Ok(client) => Some(client.key_id()),
            Err(error) => error.key_id(),
        }
    }

    /// What is wrong with the key, where that is known: also where the outcome is `too_many_failures`, unless a
    /// store would have had to be asked about the key and was not.
    pub fn reason(&self) -> Option<WrongReason> {
        self.result.err()?.reason()
    }

    /// One word, made for a metric's label: `admitted`, `no_credentials`, a [`WrongReason`],
    /// `insufficient_scope`, `throttled` (a client, by its quota), `too_many_failures` (a wrong key, by a
    /// `FailureThrottle`) or `unavailable`.
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

/// All observers of an authenticator, in the order in which they were added.
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

    /// Tells of a client, and hands it back. Where nobody is told, it never leaves the registers; where
    /// somebody is, its parts go there one by one: as a whole, it would be copied back and forth, which
    /// takes longer than telling.
    #[inline]
    pub(crate) fn tell_admitted(&self, client: Client) -> Client {
        if self.is_empty() {
            return client;
        }
        let (profile, key_id, by_bearer) = client.into_parts();
        self.tell_of_parts(profile, key_id, by_bearer)
    }

    #[inline(never)]
    fn tell_of_parts(&self, profile: ClientProfile, key_id: KeyId, by_bearer: bool) -> Client {
        let client = Client::new(profile, key_id, by_bearer);
        self.tell(Outcome::admitted(&client));
        client
    }

    /// Tells of a refusal of somebody unknown, and hands it back.
    #[inline]
    pub(crate) fn tell_refused(&self, error: AuthError) -> AuthError {
        if !self.is_empty() {
            self.tell(Outcome::refused(&error, None));
        }
        error
    }

    #[inline(never)]
    pub(crate) fn tell(&self, outcome: Outcome<'_>) {
        for observer in self.0.iter().flat_map(|all| all.iter()) {
            guarded(|| observer.observe(&outcome));
        }
    }
}

/// Whatever is wrong with an observer, nothing else is to suffer.
pub(crate) fn guarded(observe: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(observe)) {
        lose(panic);
    }
}

/// What an observer panicked with may panic, too, when it is dropped; then it stays in memory.
#[cold]
fn lose(panic: Box<dyn Any + Send>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(panic);
    }
}
