use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::case::{Case, in_threads, interleave};
use super::sample::Sample;
use crate::key::KeyDigest;
use crate::store::{KeyStore, Lookup};

const THREADS: usize = 4;
/// Rounds of all lookups in each thread.
const ROUNDS: usize = 16;
/// Lookups in progress at once.
const AT_ONCE: usize = 64;
/// Lookups dropped before and after the first poll: more than most pools have connections.
const DROPPED: usize = 128;

/// Returns the digest of each sample, each followed by an unknown digest.
fn digests(samples: &[Sample]) -> impl Iterator<Item = (Option<&Sample>, KeyDigest)> + Clone {
    let unknown = |index: usize| KeyDigest::of(format!("unknown key {index}").as_bytes());
    samples.iter().enumerate().flat_map(move |(index, sample)| {
        [(Some(sample), sample.record.digest()), (None, unknown(index))]
    })
}

pub(super) async fn lookups_can_be_interleaved(case: &Case<impl KeyStore>, samples: &[Sample]) {
    let lookups = digests(samples).take(AT_ONCE).map(|(sample, digest)| {
        let lookup = case.store.lookup(digest);
        Box::pin(async move { (sample, lookup.await) })
    });
    for (sample, result) in case.wait("a lookup", interleave(lookups.collect())).await {
        case.check(sample, result);
    }
}

/// Only for lookups that never wait: the threads of the suite are outside the store's async runtime.
pub(super) async fn lookups_can_run_in_threads(case: &Case<impl KeyStore>, samples: &[Sample]) {
    let mut local = Vec::new();
    for (sample, digest) in digests(samples) {
        match case.store.lookup(digest).try_ready() {
            Ok(_) => local.push((sample, digest)),
            Err(lookup) => drop(case.wait("a lookup", lookup).await),
        }
    }
    let check_all = || {
        for (sample, digest) in local.iter().cycle().take(local.len() * ROUNDS) {
            if let Ok(result) = case.store.lookup(*digest).try_ready() {
                case.check(*sample, result);
            }
        }
    };
    in_threads([check_all; THREADS].into_iter());
}

pub(super) async fn dropped_lookup_affects_no_other(
    case: &Case<impl KeyStore>,
    samples: &[Sample],
) {
    for (_, digest) in digests(samples).cycle().take(DROPPED) {
        drop(case.store.lookup(digest));
        let mut polled = case.store.lookup(digest);
        let _ = poll_fn(|cx| Poll::Ready(Pin::new(&mut polled).poll(cx))).await;
    }
    for (sample, digest) in digests(samples) {
        case.finds(sample, digest).await;
    }
}

pub(super) async fn lookup_outlives_its_store<S: KeyStore>(case: Case<S>, samples: &[Sample]) {
    let lookups: Vec<(_, Lookup)> = digests(samples)
        .take(AT_ONCE)
        .map(|(sample, digest)| (sample, case.store.lookup(digest)))
        .collect();
    let case = case.without_store();
    for (sample, lookup) in lookups {
        let result = case.wait("a lookup", lookup).await;
        case.check(sample, result);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::store::store_fn;
    use crate::testing::{FakeClock, sample};

    /// This store hangs if two lookups are in progress.
    #[test]
    fn store_that_hangs_fails_after_the_timeout() {
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
        let mut case = Case::new("rule", Arc::new(store), FakeClock::at(sample::now()));
        case.timeout = Duration::from_millis(20);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let interleave = || runtime.block_on(lookups_can_be_interleaved(&case, &samples));
        let drop_lookups = || runtime.block_on(dropped_lookup_affects_no_other(&case, &samples));
        for run in [&interleave as &dyn Fn(), &drop_lookups] {
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert_eq!(*panic.downcast::<String>().unwrap(), "rule: a lookup timed out");
        }
    }
}
