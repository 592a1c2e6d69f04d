use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use super::ask::{Subject, in_time, poll_once};
use super::check::{check, check_none};
use super::rule::{Rule, Violation};
use super::sample::Sample;
use crate::key::KeyDigest;
use crate::store::{KeyStore, Lookup, LookupResult};

const THREADS: usize = 4;
/// How often each thread asks for everything.
const ROUNDS: usize = 16;
/// How many lookups are under way at once.
const AT_ONCE: usize = 64;
/// How many lookups are given up in each way: more than most pools have connections.
const GIVEN_UP: usize = 128;

/// What many lookups at once show, and lookups that do not come to their end.
impl<S: KeyStore> Subject<'_, S> {
    pub(super) async fn bears_interleaved_lookups(&self) -> Result<(), Violation> {
        let mut waiting: Vec<_> = questions(self.samples)
            .take(AT_ONCE)
            .map(|(digest, sample)| (self.store.lookup(digest), sample))
            .collect();
        // Each is polled once before any is polled again, the youngest first.
        let all = poll_fn(|cx| {
            for index in (0..waiting.len()).rev() {
                if let Poll::Ready(answer) = Pin::new(&mut waiting[index].0).poll(cx) {
                    let (_, sample) = waiting.swap_remove(index);
                    if let Err(violation) = verdict(sample, Some(answer)) {
                        return Poll::Ready(Err(violation));
                    }
                }
            }
            if waiting.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
        });
        let late = || Violation::new(Rule::Interleaved, "not all were answered in time");
        let result = in_time(all, self.patience).await.unwrap_or_else(|| Err(late()));
        result.map_err(|violation| violation.under(Rule::Interleaved))
    }

    pub(super) async fn bears_threads(&self) -> Result<(), Violation> {
        let mut local = Vec::new();
        for (digest, sample) in questions(self.samples) {
            match self.store.lookup(digest).try_ready() {
                Ok(_) => local.push((digest, sample)),
                Err(lookup) => drop(in_time(lookup, self.patience).await),
            }
        }
        let ask_all = || -> Result<(), Violation> {
            for (digest, sample) in local.iter().cycle().take(local.len() * ROUNDS) {
                if let Ok(answer) = self.store.lookup(*digest).try_ready() {
                    verdict(*sample, Some(answer))?;
                }
            }
            Ok(())
        };
        let verdicts = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask_all)).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for verdict in verdicts {
            verdict
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                .map_err(|violation| violation.under(Rule::Threads))?;
        }
        Ok(())
    }

    pub(super) async fn bears_lookups_that_are_given_up(&self) -> Result<(), Violation> {
        let digests = questions(self.samples).map(|(digest, _)| digest).cycle();
        for digest in digests.take(GIVEN_UP) {
            drop(self.store.lookup(digest));
            poll_once(self.store.lookup(digest)).await;
        }
        for (digest, sample) in questions(self.samples) {
            let answer = self.ask(digest).await;
            verdict(sample, answer).map_err(|violation| violation.under(Rule::Dropped))?;
        }
        Ok(())
    }

    /// The last question, after which the store is gone.
    pub(super) async fn leaves_lookups_behind(self) -> Result<(), Violation> {
        let lookups: Vec<(Lookup, _)> = questions(self.samples)
            .take(AT_ONCE)
            .map(|(digest, sample)| (self.store.lookup(digest), sample))
            .collect();
        let left = Arc::into_inner(self.store);
        debug_assert!(left.is_some(), "nobody else holds the store");
        drop(left);
        for (lookup, sample) in lookups {
            let answer = in_time(lookup, self.patience).await;
            verdict(sample, answer).map_err(|violation| violation.under(Rule::Outlives))?;
        }
        Ok(())
    }
}

fn verdict(sample: Option<&Sample>, answer: Option<LookupResult>) -> Result<(), Violation> {
    match sample {
        Some(sample) => check(sample, answer),
        None => check_none(answer, "an unknown digest", Rule::Unknown),
    }
}

/// A question for each sample, and one for something unknown after each.
fn questions(samples: &[Sample]) -> impl Iterator<Item = (KeyDigest, Option<&Sample>)> + Clone {
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

    /// Remembers that a lookup is under way, and hangs all others for as long.
    #[tokio::test]
    async fn store_that_hangs_for_ever_fails_in_time() {
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
        let patience = Duration::from_millis(20);
        let subject = Subject { store: Arc::new(store), samples: &samples, patience };
        subject.keeps_records().await.unwrap();
        let violation = subject.bears_lookups_that_are_given_up().await.unwrap_err();
        assert_eq!(violation.rule(), Rule::Dropped);
        assert!(violation.seen().ends_with("was not answered in time"), "{violation}");
        let violation = subject.bears_interleaved_lookups().await.unwrap_err();
        assert_eq!(
            (violation.rule(), violation.seen()),
            (Rule::Interleaved, "not all were answered in time")
        );
    }
}
