//! A panic in one thread does not affect others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::store::store_fn;
use keygate::{
    Authenticator, ClientProfile, KeyRecord, KeyStore, LocalKeyStore as _, MemoryStore, StoreError,
    WrongReason,
};

use crate::concurrency::{digest, key};

/// Runs this in a new thread, which must panic.
fn panics<T: Send>(run: impl FnOnce() -> T + Send) {
    thread::scope(|scope| assert!(scope.spawn(run).join().is_err(), "it should have panicked"));
}

struct NoProfile;

impl From<NoProfile> for ClientProfile {
    fn from(_: NoProfile) -> Self {
        panic!("on purpose")
    }
}

struct NoKey;

impl AsRef<[u8]> for NoKey {
    fn as_ref(&self) -> &[u8] {
        panic!("on purpose")
    }
}

fn is_in_order(store: &MemoryStore) {
    let key_id = store.insert(key(2), "User 2").unwrap();
    assert!(store.find(&digest(1)).unwrap().is_some());
    assert_eq!((store.len(), store.client_count(), store.profiles().len()), (2, 2, 2));
    store.revoke(&key_id).unwrap();
    assert_eq!(store.len(), 1);
}

#[test]
fn store_works_after_a_panic_during_an_insert() {
    let store = MemoryStore::from_keys([(key(1), "User 1")]).unwrap();
    panics(|| store.insert(key(2), NoProfile));
    panics(|| store.insert(NoKey, "User 2"));
    assert_eq!((store.len(), store.client_count()), (1, 1));
    is_in_order(&store);
}

#[test]
fn store_works_after_a_thread_that_uses_it_panics() {
    let store = MemoryStore::from_keys([(key(1), "User 1")]).unwrap();
    panics(|| {
        let _clone = store.clone();
        let _lookup = store.lookup(digest(1));
        let _clients = store.profiles();
        panic!("on purpose");
    });
    is_in_order(&store);
}

/// Panics until it is repaired.
#[derive(Clone, Default)]
struct Broken(Arc<AtomicBool>);

impl Broken {
    fn repair(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn check(&self) {
        assert!(self.0.load(Ordering::SeqCst), "on purpose");
    }
}

#[test]
fn authenticator_works_after_its_clock_panics() {
    let broken = Broken::default();
    let store = MemoryStore::new();
    let expires = UNIX_EPOCH + Duration::from_secs(1);
    store.insert_record(KeyRecord::new(digest(1), "User 1").with_expiry(expires)).unwrap();
    let auth = Authenticator::new(store).with_clock({
        let broken = broken.clone();
        move || -> SystemTime {
            broken.check();
            UNIX_EPOCH
        }
    });
    panics(|| auth.verify_key(key(1).as_bytes()));
    let unknown = auth.verify_key(key(2).as_bytes()).unwrap_err();
    assert_eq!(unknown.reason(), Some(WrongReason::Unknown));
    broken.repair();
    assert_eq!(auth.verify_key(key(1).as_bytes()).unwrap().name(), "User 1");
}

#[tokio::test]
async fn authenticator_works_after_its_store_panics() {
    let broken = Broken::default();
    let auth = Authenticator::new(store_fn({
        let broken = broken.clone();
        move |digest| {
            let broken = broken.clone();
            async move {
                tokio::task::yield_now().await;
                broken.check();
                Ok::<_, StoreError>(Some(KeyRecord::new(digest, "User 1")))
            }
        }
    }));
    let panicked = tokio::spawn(auth.authenticate_key(key(1).as_bytes())).await;
    assert!(panicked.unwrap_err().is_panic());
    broken.repair();
    assert_eq!(auth.authenticate_key(key(1).as_bytes()).await.unwrap().name(), "User 1");
}
