use std::sync::Arc;

use super::case::Case;
use super::clock::FakeClock;
use super::sample::{self, Sample, now};
use super::{concurrency, lookups, verification};
use crate::store::{KeyRecord, KeyStore};

/// Checks everything that verification requires of a store: see [the rules](super#rules-of-lookups).
///
/// `make` creates a store that contains exactly the given records, about a hundred. It is called more than once, and may
/// clear the previous store, which is not used again. It may panic on failure.
///
/// The records have all states, expiries from 1970 to 9999, the largest valid profile, and digests of only zeros and
/// only ones, and some keys were [replaced](KeyRecord::is_replaced). Their [`KeyId`](crate::KeyId)s are different, and all records of a client have the same profile.
///
/// A store that never waits is also tested in four threads; meanwhile, this function does not yield.
///
/// ```
/// use std::sync::Arc;
/// use keygate::testing::store_contract;
/// use keygate::{KeyDigest, KeyRecord, LocalKeyStore, StoreError};
///
/// struct Records(Vec<KeyRecord>);
///
/// impl LocalKeyStore for Records {
///     fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
///         Ok(self.0.iter().find(|record| record.digest() == *digest).cloned())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// store_contract(async |records| Records(records)).await;
/// store_contract(async |records| Arc::new(Records(records)) as Arc<dyn LocalKeyStore>).await;
/// # }
/// ```
///
/// # Panics
///
/// If the store breaks a rule. The message begins with the name of the rule.
pub async fn store_contract<S, M>(make: M)
where
    S: KeyStore,
    M: AsyncFn(Vec<KeyRecord>) -> S,
{
    let samples = sample::records();
    let records = samples.iter().map(|sample| sample.record.clone()).collect();
    check(&samples, Arc::new(make(records).await)).await;
    check_empty(&samples, make(Vec::new()).await).await;
}

/// Checks the same as [`store_contract`], for stores that are filled with keys as text and names of clients.
///
/// `make` creates a store with these pairs of a key and a client name. Some clients have several keys.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::testing::key_contract;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// key_contract(async |keys| MemoryStore::from_keys(keys).expect("all keys are valid")).await;
/// # }
/// ```
///
/// # Panics
///
/// If the store breaks a rule. The message begins with the name of the rule.
pub async fn key_contract<S, M>(make: M)
where
    S: KeyStore,
    M: AsyncFn(Vec<(String, String)>) -> S,
{
    let samples = sample::keys();
    let keys = samples.iter().filter_map(|sample| {
        Some((sample.key.clone()?, sample.record.profile().name().to_owned()))
    });
    let store = Arc::new(make(keys.collect()).await);
    let exact = case("key_is_found_by_its_exact_text", Arc::clone(&store));
    lookups::key_is_found_by_its_exact_text(&exact, &samples).await;
    drop(exact);
    check(&samples, store).await;
    check_empty(&samples, make(Vec::new()).await).await;
}

async fn check<S: KeyStore>(samples: &[Sample], store: Arc<S>) {
    macro_rules! check {
        ($($file:ident: $($rule:ident)+;)+) => {
            $($($file::$rule(&case(stringify!($rule), Arc::clone(&store)), samples).await;)+)+
        };
    }
    check! {
        lookups:
            unknown_digest_is_none
            record_is_kept
            whole_digest_is_compared;
        concurrency:
            lookups_can_be_interleaved
            lookups_can_run_in_threads
            dropped_lookup_affects_no_other;
        verification:
            valid_key_is_admitted
            key_is_refused_before_its_beginning
            key_is_refused_from_its_expiry
            key_is_refused_from_other_networks
            refusal_has_its_reason;
    }
    concurrency::lookup_outlives_its_store(case("lookup_outlives_its_store", store), samples).await;
}

async fn check_empty<S: KeyStore>(samples: &[Sample], store: S) {
    lookups::empty_store_has_no_keys(&case("empty_store_has_no_keys", Arc::new(store)), samples)
        .await;
}

fn case<S: KeyStore>(rule: &'static str, store: Arc<S>) -> Case<S> {
    Case::new(rule, store, FakeClock::at(now()))
}
