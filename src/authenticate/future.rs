use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_timer::Delay;

use super::admit::{LookupRequest, PendingVerification};
use crate::client::Client;
use crate::error::{AuthError, StoreError};
use crate::store::Lookup;

/// The future of an `authenticate...` method: `Send`, and borrows nothing.
///
/// It is decided from the start where the store did not have to wait.
#[must_use = "a verification does nothing unless it is awaited"]
pub struct Authenticate(State);

enum State {
    Decided(Option<Result<Client, AuthError>>),
    Waiting(Box<Waiting>),
}

struct Waiting {
    lookup: Lookup,
    delay: Delay,
    asked: LookupRequest,
    judge: PendingVerification,
}

impl Authenticate {
    #[inline]
    pub(super) fn decided(result: Result<Client, AuthError>) -> Self {
        Self(State::Decided(Some(result)))
    }

    pub(super) fn waiting(
        lookup: Lookup,
        asked: LookupRequest,
        judge: PendingVerification,
        deadline: Duration,
    ) -> Self {
        Self(State::Waiting(Box::new(Waiting {
            lookup,
            delay: Delay::new(deadline),
            asked,
            judge,
        })))
    }
}

impl Future for Authenticate {
    type Output = Result<Client, AuthError>;

    /// # Panics
    ///
    /// When polled again after it has answered, as futures may.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiting = match &mut self.0 {
            State::Decided(result) => {
                return Poll::Ready(
                    result.take().expect("a verification is not polled after its end"),
                );
            }
            State::Waiting(waiting) => waiting,
        };
        let answer = match Pin::new(&mut waiting.lookup).poll(cx) {
            Poll::Ready(answer) => answer,
            Poll::Pending => match Pin::new(&mut waiting.delay).poll(cx) {
                Poll::Ready(()) => Err(StoreError::timed_out()),
                Poll::Pending => return Poll::Pending,
            },
        };
        let result = waiting.judge.decide(waiting.asked, answer);
        // The lookup is dropped here, so that what it holds of the store is free again.
        self.0 = State::Decided(None);
        Poll::Ready(result)
    }
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Decided(_) => "Authenticate(decided)",
            State::Waiting(_) => "Authenticate(waiting)",
        })
    }
}
