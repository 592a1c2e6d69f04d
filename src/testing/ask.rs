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

/// A store that holds exactly these records, and how long it may take for one answer.
pub(super) struct Subject<'a, S> {
    pub(super) store: Arc<S>,
    pub(super) samples: &'a [Sample],
    pub(super) patience: Duration,
}

impl<S: KeyStore> Subject<'_, S> {
    /// Asks for a digest; `None` if no answer came in time.
    pub(super) async fn ask(&self, digest: KeyDigest) -> Option<LookupResult> {
        in_time(self.store.lookup(digest), self.patience).await
    }

    pub(super) async fn expect(&self, sample: &Sample) -> Result<(), Violation> {
        check(sample, self.ask(sample.record.digest()).await)
    }

    pub(super) async fn expect_none(
        &self,
        digest: KeyDigest,
        what: &str,
        rule: Rule,
    ) -> Result<(), Violation> {
        check_none(self.ask(digest).await, what, rule)
    }
}

/// Waits for a future, but not for ever: a store that hangs is to fail a test and not to stop it.
pub(super) async fn in_time<F>(mut future: F, patience: Duration) -> Option<F::Output>
where
    F: Future + Unpin,
{
    let mut delay = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(cx) {
            return Poll::Ready(Some(output));
        }
        let delay = delay.get_or_insert_with(|| Delay::new(patience));
        Pin::new(delay).poll(cx).map(|()| None)
    })
    .await
}

/// Polls once, whatever comes of it, and drops.
pub(super) async fn poll_once(mut future: impl Future + Unpin) {
    poll_fn(|cx| {
        let _ = Pin::new(&mut future).poll(cx);
        Poll::Ready(())
    })
    .await;
}
