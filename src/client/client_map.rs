//! Per-client state, created on first use and swept when it is idle.

use std::borrow::Borrow;
use std::hash::{BuildHasher as _, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use papaya::{Equivalent, HashMap, HashMapRef, LocalGuard};
use smol_str::SmolStr;

/// With this number of shards and a million clients, sweeping one shard takes well below a millisecond.
const SHARDS: usize = 256;

/// Nanoseconds between the sweeps of two shards: about a minute for all of them.
const INTERVAL: u64 = 250_000_000;

/// A concurrent map from clients to their state, in shards that are swept one after the other.
///
/// A lookup takes no lock.
pub(crate) struct ClientMap<K, V> {
    hasher: RandomState,
    shards: Box<[HashMap<K, V, RandomState>]>,
    interval: u64,
    /// Time of the last sweep, in nanoseconds since 1970.
    swept: AtomicU64,
    next: AtomicUsize,
}

/// The name of a client, and `of`, which distinguishes several states of one client.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct ClientKey<T> {
    pub(crate) of: T,
    pub(crate) client: SmolStr,
}

/// A borrowed [`ClientKey`]; both hash alike.
#[derive(Hash)]
pub(crate) struct ClientKeyRef<'a, T: ?Sized> {
    pub(crate) of: &'a T,
    pub(crate) client: &'a str,
}

impl<T: Borrow<U>, U: Eq + ?Sized> Equivalent<ClientKey<T>> for ClientKeyRef<'_, U> {
    #[inline]
    fn equivalent(&self, key: &ClientKey<T>) -> bool {
        *self.of == *key.of.borrow() && self.client == key.client
    }
}

/// One shard, pinned: references into it stay valid until it is dropped.
pub(crate) type Shard<'a, K, V> = HashMapRef<'a, K, V, RandomState, LocalGuard<'a>>;

impl<K: Eq + Hash + Send + 'static, V: Send + 'static> ClientMap<K, V> {
    pub(crate) fn new() -> Self {
        Self::with_interval(INTERVAL)
    }

    /// Replaces the nanoseconds between the sweeps of two shards.
    pub(crate) fn with_interval(interval: u64) -> Self {
        // With a collector for each shard, a request would load one more cold cache line.
        let collector = Arc::default();
        let shard = |_| {
            let shard = HashMap::builder().hasher(RandomState::default());
            shard.shared_collector(Arc::clone(&collector)).build()
        };
        Self {
            hasher: RandomState::default(),
            shards: (0..SHARDS).map(shard).collect(),
            interval,
            swept: AtomicU64::new(0),
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(HashMap::len).sum()
    }

    pub(crate) fn for_each(&self, mut each: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            for (key, value) in &shard.pin() {
                each(key, value);
            }
        }
    }

    /// Returns the shard of a key, by the part of it that all users of this map have agreed on. The map in the shard hashes
    /// the whole key; doing so here as well would cost up to 3 ns.
    #[inline]
    pub(crate) fn shard<P: Hash + ?Sized>(&self, part: &P) -> Shard<'_, K, V> {
        // The remainder is less than `SHARDS`.
        #[allow(clippy::cast_possible_truncation)]
        let shard = (self.hasher.hash_one(part) % SHARDS as u64) as usize;
        self.shards[shard].pin()
    }

    /// Removes the idle entries of the next shard, if the interval has passed.
    #[inline]
    pub(crate) fn sweep(&self, now: u64, is_idle: impl Fn(&V) -> bool) {
        let swept = self.swept.load(Ordering::Relaxed);
        if now.abs_diff(swept) >= self.interval {
            self.sweep_next(swept, now, is_idle);
        }
    }

    #[cold]
    fn sweep_next(&self, swept: u64, now: u64, is_idle: impl Fn(&V) -> bool) {
        let relaxed = Ordering::Relaxed;
        if self.swept.compare_exchange(swept, now, relaxed, relaxed).is_err() {
            return;
        }
        let shard = self.shards[self.next.fetch_add(1, relaxed) % SHARDS].pin();
        for (key, value) in &shard {
            if is_idle(value) {
                shard.remove(key);
            }
        }
    }
}
