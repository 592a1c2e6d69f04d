//! Stores that are right for single lookups and wrong for concurrent ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keygate::store::store_fn;
use keygate::testing::store_contract;
use keygate::{
    KeyDigest, KeyRecord, KeyStore, LocalKeyStore as _, Lookup, MemoryStore, StoreError,
};

use crate::store_contract::{failure, memory};

/// A store cannot break the last five rules without breaking an earlier one, so these have unit tests instead.
pub(crate) const RULES: &[&str] = &[
    "lookups_can_be_interleaved",
    "dropped_lookup_affects_no_other",
    "lookup_outlives_its_store",
    "valid_key_is_admitted",
    "key_is_refused_before_its_beginning",
    "key_is_refused_from_its_expiry",
    "key_is_refused_from_other_networks",
    "refusal_has_its_reason",
];

async fn fails<S: KeyStore>(rule: &str, make: impl AsyncFn(Vec<KeyRecord>) -> S) {
    let message = failure(store_contract(make)).await;
    assert!(message.starts_with(rule), "{rule} expected: {message}");
}

#[tokio::test]
async fn lookups_that_share_a_variable_fail() {
    fails(RULES[0], async |records| {
        let (store, shared) = (memory(records), Arc::new(Mutex::new(None)));
        store_fn(move |digest| {
            let (store, shared) = (store.clone(), Arc::clone(&shared));
            async move {
                *shared.lock().unwrap() = Some(digest);
                tokio::task::yield_now().await;
                let digest = shared.lock().unwrap().unwrap();
                store.find(&digest)
            }
        })
    })
    .await;
}

/// A store with a hundred connections, which returns an error for each further lookup.
#[derive(Clone)]
struct Pool {
    store: MemoryStore,
    free: Arc<AtomicUsize>,
}

impl Pool {
    fn new(records: Vec<KeyRecord>) -> Self {
        Self { store: memory(records), free: Arc::new(AtomicUsize::new(100)) }
    }

    fn take(&self) -> Result<(), StoreError> {
        let less = |free: usize| free.checked_sub(1);
        let taken = self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        taken.map(drop).map_err(|_| StoreError::new("no connection is free"))
    }

    /// Returns the connection only when the lookup completes, not when it is dropped.
    async fn find(self, digest: KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        tokio::task::yield_now().await;
        let found = self.store.find(&digest);
        self.free.fetch_add(1, Ordering::SeqCst);
        found
    }
}

/// Takes a connection before the first poll.
struct TakenAtOnce(Pool);

impl KeyStore for TakenAtOnce {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        match self.0.take() {
            Ok(()) => Lookup::pending(self.0.clone().find(digest)),
            Err(error) => Lookup::failed(error),
        }
    }
}

#[tokio::test]
async fn connections_lost_with_dropped_lookups_fail() {
    fails(RULES[1], async |records| TakenAtOnce(Pool::new(records))).await;
    fails(RULES[1], async |records| {
        let pool = Pool::new(records);
        store_fn(move |digest| {
            let pool = pool.clone();
            async move {
                pool.take()?;
                pool.find(digest).await
            }
        })
    })
    .await;
}

#[tokio::test]
async fn lookup_that_borrows_its_store_fails() {
    struct Needed(Arc<MemoryStore>);

    impl KeyStore for Needed {
        fn lookup(&self, digest: KeyDigest) -> Lookup {
            let store = Arc::downgrade(&self.0);
            Lookup::pending(async move {
                let store = store.upgrade().ok_or_else(|| StoreError::new("closed"))?;
                store.find(&digest)
            })
        }
    }

    fails(RULES[2], async |records| Needed(Arc::new(memory(records)))).await;
}
