//! Limits the wait for a store or for counters.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_timer::Delay;

use crate::error::StoreError;

/// The default deadline of stores and counters that wait: long enough for the failover of a database, and short enough
/// that callers do not pile up.
pub(crate) const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);

/// A pending result and its deadline.
pub(crate) struct WithDeadline<F> {
    result: F,
    delay: Delay,
}

impl<F> WithDeadline<F> {
    pub(crate) fn new(result: F, deadline: Duration) -> Self {
        Self { result, delay: Delay::new(deadline) }
    }
}

impl<T, F: Future<Output = Result<T, StoreError>> + Unpin> Future for WithDeadline<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if let Poll::Ready(result) = Pin::new(&mut self.result).poll(cx) {
            return Poll::Ready(result);
        }
        ready!(Pin::new(&mut self.delay).poll(cx));
        Poll::Ready(Err(StoreError::timed_out()))
    }
}
