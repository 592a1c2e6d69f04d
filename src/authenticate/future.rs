use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::admit::LookupRequest;
use super::config::SharedConfig;
use super::guard::Attempt;
use crate::client::Client;
use crate::deadline::WithDeadline;
use crate::error::AuthError;
use crate::store::Lookup;

/// The future of an `authenticate...` method. It is `Send`, borrows nothing, and is ready from the start if the store
/// did not wait.
#[must_use = "a verification does nothing unless it is awaited"]
pub struct Authenticate(pub(crate) Verification);

pub(crate) enum Verification {
    Decided(Result<Client, AuthError>),
    Waiting(Box<PendingVerification>),
    Completed,
}

/// A lookup that waits, and the configuration to decide with when it ends.
pub(crate) struct PendingVerification {
    lookup: WithDeadline<Lookup>,
    request: LookupRequest,
    attempt: Attempt<'static>,
    config: SharedConfig,
}

impl Verification {
    #[cold]
    pub(super) fn waiting(
        lookup: Lookup,
        request: LookupRequest,
        attempt: Attempt<'static>,
        config: &SharedConfig,
    ) -> Self {
        Self::Waiting(Box::new(PendingVerification {
            lookup: WithDeadline::new(lookup, config.get().deadline),
            request,
            attempt,
            config: config.clone(),
        }))
    }
}

impl Future for Authenticate {
    type Output = Result<Client, AuthError>;

    /// # Panics
    ///
    /// If it is polled again after completion.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Dropped on completion, so that the lookup releases its resources.
        match std::mem::replace(&mut self.0, Verification::Completed) {
            Verification::Decided(result) => Poll::Ready(result),
            Verification::Waiting(mut pending) => {
                let poll = pending.poll(cx);
                if poll.is_pending() {
                    self.0 = Verification::Waiting(pending);
                }
                poll
            }
            Verification::Completed => panic!("`Authenticate` polled after completion"),
        }
    }
}

impl PendingVerification {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Client, AuthError>> {
        let found = ready!(Pin::new(&mut self.lookup).poll(cx));
        Poll::Ready(self.config.get().decide(self.request, found, self.attempt))
    }
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Verification::Decided(_) => "Authenticate(decided)",
            Verification::Waiting(_) => "Authenticate(waiting)",
            Verification::Completed => "Authenticate(completed)",
        })
    }
}
