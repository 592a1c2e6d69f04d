//! Test doubles of stores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keygate::{KeyDigest, KeyRecord, KeyStore, LocalKeyStore, Lookup, StoreError};

use super::polling::{Drops, yield_once};

/// A store whose lookups are pending once.
#[derive(Clone)]
pub(crate) struct Later<S>(pub(crate) S);

impl<S: LocalKeyStore + Clone> KeyStore for Later<S> {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let store = self.0.clone();
        Lookup::pending(async move {
            yield_once().await;
            store.find(&digest)
        })
    }
}

/// Admits every key, and records the last lookup.
#[derive(Clone, Default)]
pub(crate) struct Anyone(Arc<Mutex<Option<KeyDigest>>>);

impl Anyone {
    pub(crate) fn last_lookup(&self) -> Option<KeyDigest> {
        self.0.lock().unwrap().take()
    }
}

impl LocalKeyStore for Anyone {
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        *self.0.lock().unwrap() = Some(*digest);
        Ok(Some(KeyRecord::new(*digest, "anyone")))
    }
}

/// A store that never completes its first lookups, and passes later ones to another store.
#[derive(Clone)]
pub(crate) struct Stuck<S> {
    after: S,
    times_left: Arc<AtomicUsize>,
    dropped: Drops,
}

impl<S> Stuck<S> {
    pub(crate) fn times(times: usize, after: S) -> Self {
        Self { after, times_left: Arc::new(times.into()), dropped: Drops::default() }
    }

    /// The number of incomplete lookups that were dropped.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped.count()
    }
}

impl<S: LocalKeyStore> KeyStore for Stuck<S> {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let less = |left: usize| left.checked_sub(1);
        if self.times_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
            return self.after.lookup(digest);
        }
        let guard = self.dropped.guard();
        Lookup::pending(async move {
            let _guard = guard;
            std::future::pending().await
        })
    }
}
