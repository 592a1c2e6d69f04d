use std::sync::Arc;
use std::time::Duration;

use super::ask::Subject;
use super::rule::Violation;
use super::sample::{self, Sample};
use crate::store::{KeyRecord, KeyStore};

const PATIENCE: Duration = Duration::from_secs(10);

/// Asks a store all that verification relies on: see [`Rule`](super::Rule) for what that is.
///
/// `make` builds a fresh store that holds exactly the records it is given, about a hundred. It is
/// called more than once, and may clear what it filled before: a store is asked nothing after the
/// next one was made. It panics where it cannot do its work.
///
/// The records have every state, expiries from 1970 to 2112, the largest profile that is allowed, and
/// digests of zeros and of ones. No two of them have the same
/// [`KeyId`](crate::KeyId), and all of one client have the same profile.
///
/// A store that answers without waiting is asked in four threads at once; for that moment, this
/// function does not yield.
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
    full.knows_nothing_else().await?;
    examine(full).await?;
    subject(make(Vec::new()).await, &samples).is_empty().await
}

/// As [`store_contract`], for stores that can only be filled with keys and the names of clients.
///
/// `make` builds a fresh store of these pairs of a key and a name. Some clients have several keys.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::testing::{Violation, key_contract};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Violation> {
/// key_contract(async |keys| MemoryStore::from_keys(keys).expect("all keys are fair")).await
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
    full.knows_nothing_else().await?;
    full.takes_keys_exactly().await?;
    examine(full).await?;
    subject(make(Vec::new()).await, &samples).is_empty().await
}

fn subject<S>(store: S, samples: &[Sample]) -> Subject<'_, S> {
    Subject { store: Arc::new(store), samples, patience: PATIENCE }
}

async fn examine<S: KeyStore>(subject: Subject<'_, S>) -> Result<(), Violation> {
    subject.keeps_records().await?;
    subject.reads_whole_digests().await?;
    subject.repeats_itself().await?;
    subject.bears_interleaved_lookups().await?;
    subject.bears_threads().await?;
    subject.bears_lookups_that_are_given_up().await?;
    subject.admits_and_refuses().await?;
    subject.leaves_lookups_behind().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyDigest;
    use crate::store::{LocalKeyStore as _, MemoryStore, store_fn};
    use crate::testing::rule::Rule;
    use crate::testing::verification::NOBODYS_KEY;

    #[tokio::test]
    async fn store_goes_through_the_corridor() {
        let violation = key_contract(async |keys| {
            let store = MemoryStore::from_keys(keys).unwrap();
            store_fn(move |digest| {
                let wrong = (digest == KeyDigest::of(NOBODYS_KEY))
                    .then(|| KeyRecord::new(digest, "whom nobody asked for"));
                let answer = store.find(&digest);
                async move { Ok(wrong.or(answer?)) }
            })
        })
        .await
        .unwrap_err();
        assert_eq!(violation.rule(), Rule::Reason);
    }
}
