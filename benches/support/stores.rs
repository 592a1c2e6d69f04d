use keygate::MemoryStore;

use super::keys::{key, name};

/// A store of this many keys, with a client each.
pub(crate) fn store(size: u64) -> MemoryStore {
    let keys = (0..size).map(|number| (key(number), name(number)));
    MemoryStore::from_keys(keys).expect("the keys differ, and so do their clients")
}
