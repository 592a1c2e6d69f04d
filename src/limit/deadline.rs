use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_timer::Delay;

use super::counters::{Decision, PendingDecision};
use crate::error::StoreError;

/// The default deadline of counters that wait: that of stores.
pub(crate) const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);

/// A pending decision and its deadline.
pub(crate) struct WithDeadline {
    decision: PendingDecision,
    delay: Delay,
}

impl WithDeadline {
    pub(crate) fn new(decision: PendingDecision, deadline: Duration) -> Self {
        Self { decision, delay: Delay::new(deadline) }
    }
}

impl Future for WithDeadline {
    type Output = Result<Decision, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(decision) = Pin::new(&mut self.decision).poll(cx) {
            return Poll::Ready(decision);
        }
        ready!(Pin::new(&mut self.delay).poll(cx));
        Poll::Ready(Err(StoreError::timed_out()))
    }
}
