use std::sync::Arc;
use std::time::Duration;

use super::rule::Violation;
use super::sample::{self, Sample};
use super::subject::Subject;
use crate::store::{KeyRecord, KeyStore};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Checks everything that verification requires of a store: see [`Rule`](super::Rule).
///
/// `make` creates a store that contains exactly the given records, about a hundred. It is called more than once, and may
/// clear the previous store, which is not used again. It may panic on failure.
///
/// The records have all states, expiries from 1970 to 9999, the largest valid profile, and digests of only zeros and
/// only ones. Their [`KeyId`](crate::KeyId)s are different, and all records of a client have the same profile.
///
/// A store that never waits is also tested in four threads; meanwhile, this function does not yield.
///
/// ```
/// use std::sync::Arc;
/// use keygate::testing::{Violation, store_contract};
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
/// # async fn main() -> Result<(), Violation> {
/// store_contract(async |records| Records(records)).await?;
/// store_contract(async |records| Arc::new(Records(records)) as Arc<dyn LocalKeyStore>).await
/// # }
/// ```
///
/// # Errors
///
/// The first rule that the store breaks.
pub async fn store_contract<S, M>(make: M) -> Result<(), Violation>
where
    S: KeyStore,
    M: AsyncFn(Vec<KeyRecord>) -> S,
{
    let samples = sample::records();
    let records = samples.iter().map(|sample| sample.record.clone()).collect();
    let full = subject(make(records).await, &samples);
    full.check_unknown().await?;
    examine(full).await?;
    subject(make(Vec::new()).await, &samples).check_empty().await
}

/// Checks the same as [`store_contract`], for stores that are filled with keys as text and names of clients.
///
/// `make` creates a store with these pairs of a key and a client name. Some clients have several keys.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::testing::{Violation, key_contract};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Violation> {
/// key_contract(async |keys| MemoryStore::from_keys(keys).expect("all keys are valid")).await
/// # }
/// ```
///
/// # Errors
///
/// The first rule that the store breaks.
pub async fn key_contract<S, M>(make: M) -> Result<(), Violation>
where
    S: KeyStore,
    M: AsyncFn(Vec<(String, String)>) -> S,
{
    let samples = sample::keys();
    let keys = samples.iter().filter_map(|sample| {
        Some((sample.key.clone()?, sample.record.profile().name().to_owned()))
    });
    let full = subject(make(keys.collect()).await, &samples);
    full.check_unknown().await?;
    full.check_exact_keys().await?;
    examine(full).await?;
    subject(make(Vec::new()).await, &samples).check_empty().await
}

fn subject<S>(store: S, samples: &[Sample]) -> Subject<'_, S> {
    Subject { store: Arc::new(store), samples, timeout: TIMEOUT }
}

async fn examine<S: KeyStore>(subject: Subject<'_, S>) -> Result<(), Violation> {
    subject.check_records().await?;
    subject.check_whole_digests().await?;
    subject.check_repeated_lookups().await?;
    subject.check_interleaved_lookups().await?;
    subject.check_threads().await?;
    subject.check_dropped_lookups().await?;
    subject.check_authentication().await?;
    subject.check_lookups_without_store().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyDigest;
    use crate::store::{LocalKeyStore as _, MemoryStore, store_fn};
    use crate::testing::rule::Rule;
    use crate::testing::verification::UNKNOWN_KEY;

    #[tokio::test]
    async fn suite_verifies_through_the_authenticator() {
        let violation = key_contract(async |keys| {
            let store = MemoryStore::from_keys(keys).unwrap();
            store_fn(move |digest| {
                let wrong = (digest == KeyDigest::of(UNKNOWN_KEY))
                    .then(|| KeyRecord::new(digest, "Unexpected"));
                let result = store.find(&digest);
                async move { Ok(wrong.or(result?)) }
            })
        })
        .await
        .unwrap_err();
        assert_eq!(violation.rule(), Rule::Reason);
    }
}
