use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_timer::Delay;

use super::check::{check, check_none};
use super::rule::{Rule, Violation};
use super::sample::Sample;
use crate::key::KeyDigest;
use crate::store::{KeyStore, LookupResult};

/// A store under test, which contains exactly these records, and the timeout of its lookups.
pub(super) struct Subject<'a, S> {
    pub(super) store: Arc<S>,
    pub(super) samples: &'a [Sample],
    pub(super) timeout: Duration,
}

impl<S: KeyStore> Subject<'_, S> {
    /// Looks up a digest; `None` after the timeout.
    pub(super) async fn lookup(&self, digest: KeyDigest) -> Option<LookupResult> {
        with_timeout(self.store.lookup(digest), self.timeout).await
    }

    pub(super) async fn expect(&self, sample: &Sample) -> Result<(), Violation> {
        check(sample, self.lookup(sample.record.digest()).await)
    }

    pub(super) async fn expect_none(
        &self,
        digest: KeyDigest,
        what: &str,
        rule: Rule,
    ) -> Result<(), Violation> {
        check_none(self.lookup(digest).await, what, rule)
    }
}

/// Waits for a future; `None` after the timeout. A store that hangs thus fails the test.
pub(super) async fn with_timeout<F>(mut future: F, timeout: Duration) -> Option<F::Output>
where
    F: Future + Unpin,
{
    let mut delay = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(cx) {
            return Poll::Ready(Some(output));
        }
        let delay = delay.get_or_insert_with(|| Delay::new(timeout));
        Pin::new(delay).poll(cx).map(|()| None)
    })
    .await
}

/// Polls a future once and drops it.
pub(super) async fn poll_once(mut future: impl Future + Unpin) {
    poll_fn(|cx| {
        let _ = Pin::new(&mut future).poll(cx);
        Poll::Ready(())
    })
    .await;
}
