use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_timer::Delay;

use super::counters::{Count, Tally};
use crate::error::StoreError;

/// How long counters that wait may take, where nothing else is said: as long as a store may.
pub(super) const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);

/// A count that is on its way, and for how long it is waited for.
pub(super) struct Timed {
    count: Count,
    delay: Delay,
}

impl Timed {
    pub(super) fn new(count: Count, deadline: Duration) -> Self {
        Self { count, delay: Delay::new(deadline) }
    }
}

impl Future for Timed {
    type Output = Result<Tally, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = Pin::new(&mut self.count).poll(cx) {
            return Poll::Ready(answer);
        }
        ready!(Pin::new(&mut self.delay).poll(cx));
        Poll::Ready(Err(StoreError::timed_out()))
    }
}
