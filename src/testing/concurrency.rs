use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use super::check::{check, check_none};
use super::rule::{Rule, Violation};
use super::sample::Sample;
use super::subject::{Subject, poll_once, with_timeout};
use crate::key::KeyDigest;
use crate::store::{KeyStore, Lookup, LookupResult};

const THREADS: usize = 4;
/// Rounds of all lookups in each thread.
const ROUNDS: usize = 16;
/// Lookups in progress at once.
const AT_ONCE: usize = 64;
/// Lookups dropped before and after the first poll: more than most pools have connections.
const DROPPED: usize = 128;

/// Checks with concurrent and with dropped lookups.
impl<S: KeyStore> Subject<'_, S> {
    pub(super) async fn check_interleaved_lookups(&self) -> Result<(), Violation> {
        let mut waiting: Vec<_> = lookups(self.samples)
            .take(AT_ONCE)
            .map(|(digest, sample)| (self.store.lookup(digest), sample))
            .collect();
        // Each lookup is polled once before any is polled again, the last one first.
        let all = poll_fn(|cx| {
            for index in (0..waiting.len()).rev() {
                if let Poll::Ready(result) = Pin::new(&mut waiting[index].0).poll(cx) {
                    let (_, sample) = waiting.swap_remove(index);
                    if let Err(violation) = check_result(sample, Some(result)) {
                        return Poll::Ready(Err(violation));
                    }
                }
            }
            if waiting.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
        });
        let late = || Violation::new(Rule::Interleaved, "some timed out");
        let result = with_timeout(all, self.timeout).await.unwrap_or_else(|| Err(late()));
        result.map_err(|violation| violation.under(Rule::Interleaved))
    }

    pub(super) async fn check_threads(&self) -> Result<(), Violation> {
        let mut local = Vec::new();
        for (digest, sample) in lookups(self.samples) {
            match self.store.lookup(digest).try_ready() {
                Ok(_) => local.push((digest, sample)),
                Err(lookup) => drop(with_timeout(lookup, self.timeout).await),
            }
        }
        let check_all = || -> Result<(), Violation> {
            for (digest, sample) in local.iter().cycle().take(local.len() * ROUNDS) {
                if let Ok(result) = self.store.lookup(*digest).try_ready() {
                    check_result(*sample, Some(result))?;
                }
            }
            Ok(())
        };
        let results = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(check_all)).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for result in results {
            result
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                .map_err(|violation| violation.under(Rule::Threads))?;
        }
        Ok(())
    }

    pub(super) async fn check_dropped_lookups(&self) -> Result<(), Violation> {
        let digests = lookups(self.samples).map(|(digest, _)| digest).cycle();
        for digest in digests.take(DROPPED) {
            drop(self.store.lookup(digest));
            poll_once(self.store.lookup(digest)).await;
        }
        for (digest, sample) in lookups(self.samples) {
            let result = self.lookup(digest).await;
            check_result(sample, result).map_err(|violation| violation.under(Rule::Dropped))?;
        }
        Ok(())
    }

    /// Drops the store, and then awaits its lookups.
    pub(super) async fn check_lookups_without_store(self) -> Result<(), Violation> {
        let lookups: Vec<(Lookup, _)> = lookups(self.samples)
            .take(AT_ONCE)
            .map(|(digest, sample)| (self.store.lookup(digest), sample))
            .collect();
        let left = Arc::into_inner(self.store);
        debug_assert!(left.is_some(), "there are no other handles to the store");
        drop(left);
        for (lookup, sample) in lookups {
            let result = with_timeout(lookup, self.timeout).await;
            check_result(sample, result).map_err(|violation| violation.under(Rule::Outlives))?;
        }
        Ok(())
    }
}

fn check_result(sample: Option<&Sample>, result: Option<LookupResult>) -> Result<(), Violation> {
    match sample {
        Some(sample) => check(sample, result),
        None => check_none(result, "an unknown digest", Rule::Unknown),
    }
}

/// Returns a lookup of each sample, each followed by an unknown digest.
fn lookups(samples: &[Sample]) -> impl Iterator<Item = (KeyDigest, Option<&Sample>)> + Clone {
    let unknown = |index: usize| KeyDigest::of(format!("unknown key {index}").as_bytes());
    samples.iter().enumerate().flat_map(move |(index, sample)| {
        [(sample.record.digest(), Some(sample)), (unknown(index), None)]
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::store::store_fn;
    use crate::testing::sample;

    /// The store hangs if two lookups are in progress.
    #[tokio::test]
    async fn store_that_hangs_fails_after_the_timeout() {
        let samples = sample::records();
        let records: Vec<_> = samples.iter().map(|sample| sample.record.clone()).collect();
        let is_busy = Arc::new(AtomicBool::new(false));
        let store = store_fn(move |digest| {
            let record = records.iter().find(|record| record.digest() == digest).cloned();
            let is_busy = Arc::clone(&is_busy);
            async move {
                if is_busy.swap(true, Ordering::SeqCst) {
                    pending::<()>().await;
                }
                tokio::task::yield_now().await;
                is_busy.store(false, Ordering::SeqCst);
                Ok(record)
            }
        });
        let timeout = Duration::from_millis(20);
        let subject = Subject { store: Arc::new(store), samples: &samples, timeout };
        subject.check_records().await.unwrap();
        let violation = subject.check_dropped_lookups().await.unwrap_err();
        assert_eq!(violation.rule(), Rule::Dropped);
        assert!(violation.seen().ends_with("timed out"), "{violation}");
        let violation = subject.check_interleaved_lookups().await.unwrap_err();
        assert_eq!((violation.rule(), violation.seen()), (Rule::Interleaved, "some timed out"));
    }
}
