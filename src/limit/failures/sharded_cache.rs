use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// A table of fixed size, in small sets with a lock each. A keyed hash selects the set, so that an attacker cannot
/// choose one.
pub(super) struct ShardedCache<T> {
    hasher: RandomState,
    sets: Box<[Mutex<T>]>,
}

/// The hash of an entry, stored instead of the entry. Zero means empty.
pub(super) type Tag = u64;

impl<T: Default> ShardedCache<T> {
    pub(super) fn new(count: usize) -> Self {
        let sets = (0..count).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), sets }
    }

    pub(super) fn tag(&self, of: impl Hash) -> Tag {
        self.hasher.hash_one(of).max(1)
    }

    pub(super) fn with<R>(&self, tag: Tag, change: impl FnOnce(&mut T) -> R) -> R {
        let set = &self.sets[(tag >> 40) as usize % self.sets.len()];
        change(&mut set.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
impl<T> ShardedCache<T> {
    pub(super) fn each(&self, mut see: impl FnMut(&T)) {
        self.sets.iter().for_each(|set| see(&set.lock().unwrap()));
    }
}
