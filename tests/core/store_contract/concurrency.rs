//! Stores that are right for single lookups and wrong for concurrent ones.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use keygate::store::store_fn;
use keygate::testing::Rule;
use keygate::{
    KeyDigest, KeyRecord, KeyStore, LocalKeyStore as _, Lookup, MemoryStore, StoreError,
};

use crate::store_contract::broken::{Answer, right, rule_broken_by, rule_broken_by_store};
use crate::store_contract::memory;

#[tokio::test]
async fn key_found_only_once_is_caught() {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let rule = rule_broken_by(move |records, digest| {
        let is_new = seen.lock().unwrap().insert(digest);
        Ok(right(records, digest).filter(|_| is_new))
    });
    assert_eq!(rule.await, Rule::Repeatable);
}

#[tokio::test]
async fn unknown_key_that_is_somebody_the_second_time_is_caught() {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let rule = rule_broken_by(move |records, digest| {
        let is_new = seen.lock().unwrap().insert(digest);
        let cached = (!is_new).then(|| KeyRecord::new(digest, "somebody"));
        Ok(right(records, digest).or(cached))
    });
    assert_eq!(rule.await, Rule::Repeatable);
}

#[tokio::test]
async fn lookups_that_share_one_argument_are_caught() {
    let rule = rule_broken_by_store(async |records| {
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
    });
    assert_eq!(rule.await, Rule::Interleaved);
}

#[tokio::test]
async fn records_that_only_one_thread_can_see_are_caught() {
    let home = thread::current().id();
    let rule = rule_broken_by(move |records, digest| {
        Ok(right(records, digest).filter(|_| thread::current().id() == home))
    });
    assert_eq!(rule.await, Rule::Threads);
}

/// A hundred connections. Without a free one, a lookup fails.
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
        taken.map(|_| ()).map_err(|_| StoreError::new("no connection is free"))
    }

    fn give_back(&self) {
        self.free.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the connection only when the lookup completes, not when it is dropped.
    async fn find(self, digest: KeyDigest) -> Answer {
        tokio::task::yield_now().await;
        let response = self.store.find(&digest);
        self.give_back();
        response
    }
}

#[tokio::test]
async fn connection_lost_with_a_lookup_that_is_never_polled_is_caught() {
    struct TakenAtOnce(Pool);

    impl KeyStore for TakenAtOnce {
        fn lookup(&self, digest: KeyDigest) -> Lookup {
            match self.0.take() {
                Ok(()) => Lookup::pending(self.0.clone().find(digest)),
                Err(error) => Lookup::failed(error),
            }
        }
    }

    let rule = rule_broken_by_store(async |records| TakenAtOnce(Pool::new(records)));
    assert_eq!(rule.await, Rule::Dropped);
}

#[tokio::test]
async fn connection_lost_with_a_lookup_that_is_polled_once_is_caught() {
    let rule = rule_broken_by_store(async |records| {
        let pool = Pool::new(records);
        store_fn(move |digest| {
            let pool = pool.clone();
            async move {
                pool.take()?;
                pool.find(digest).await
            }
        })
    });
    assert_eq!(rule.await, Rule::Dropped);
}

#[tokio::test]
async fn lookup_that_needs_its_store_is_caught() {
    struct Needed(Arc<MemoryStore>);

    impl KeyStore for Needed {
        fn lookup(&self, digest: KeyDigest) -> Lookup {
            let store = Arc::downgrade(&self.0);
            Lookup::pending(async move {
                let store =
                    store.upgrade().ok_or_else(|| StoreError::new("the store is closed"))?;
                store.find(&digest)
            })
        }
    }

    let rule = rule_broken_by_store(async |records| Needed(Arc::new(memory(records))));
    assert_eq!(rule.await, Rule::Outlives);
}
