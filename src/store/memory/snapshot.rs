use std::collections::HashSet;
use std::time::SystemTime;

use super::MemoryStore;
use super::writing::update;
use crate::key::{KeyDigest, KeyId, KeyState};
use crate::manage::rules;

/// For stores that load their keys from a file or database.
impl MemoryStore {
    /// Atomically replaces the content with that of another store, which must have no other handles.
    pub(in crate::store) fn replace(&self, other: &Self) {
        let mut index = self.lock();
        let (clock, mut purged) = (index.clock.take(), std::mem::take(&mut index.purged));
        *index = std::mem::take(&mut *other.lock());
        index.clock = clock;
        // A removed key may be in the file again, since an editor can add it.
        purged.retain(|digest| other.shared.table.state(digest).is_none());
        index.purged.extend(purged);
        self.shared.table.replace(&other.shared.table);
    }

    pub(in crate::store) fn revoked(&self) -> HashSet<KeyDigest> {
        let mut revoked = HashSet::new();
        self.shared.table.for_each(|row, status| {
            if status.is_revoked() {
                revoked.insert(row.digest);
            }
        });
        revoked
    }

    /// Returns whether the store has the key with this digest, and it is not revoked.
    pub(in crate::store) fn has_live(&self, digest: &KeyDigest) -> bool {
        self.shared.table.state(digest).is_some_and(|state| state != KeyState::Revoked)
    }

    /// Returns whether a key of this store that is not revoked is missing from the other store.
    pub(in crate::store) fn has_live_unknown_to(&self, other: &Self) -> bool {
        let mut found = false;
        self.shared.table.for_each(|row, status| {
            found |= !status.is_revoked() && other.shared.table.state(&row.digest).is_none();
        });
        found
    }

    /// Atomically revokes all of these keys that the store has.
    pub(in crate::store) fn revoke_all(&self, digests: &HashSet<KeyDigest>) {
        let mut index = self.lock();
        let mut edit = self.shared.table.edit();
        for digest in digests.iter().filter(|digest| self.has_live(digest)) {
            let Some(known) = self.find_packed(&index, digest.key_id()) else { continue };
            let mut key = known.clone().facts();
            rules::revoke(&mut key, index.now());
            update(&mut edit, &mut index, &known, key);
        }
        edit.publish();
    }

    /// Copies the clock, the context and the digests of removed keys to another store.
    pub(in crate::store) fn prepare(&self, other: &Self) -> Self {
        let (clock, mut purged) = {
            let index = self.lock();
            (index.clock.clone(), index.purged.clone())
        };
        purged.retain(|digest| other.shared.table.state(digest).is_none());
        let mut index = other.lock();
        (index.clock, index.purged) = (clock, purged);
        drop(index);
        other.in_context(self.context.clone())
    }

    pub(in crate::store) fn now(&self) -> SystemTime {
        self.lock().now()
    }

    /// Returns the actor of this handle.
    pub(in crate::store) fn actor(&self) -> Option<&str> {
        self.context.actor()
    }

    /// Returns an independent copy of the store.
    pub(in crate::store) fn fork(&self) -> Self {
        let index = self.lock();
        Self::from_parts(self.shared.table.fork(), index.clone()).in_context(self.context.clone())
    }

    pub(in crate::store) fn digest_of(&self, key_id: KeyId) -> Option<KeyDigest> {
        self.shared.table.row(key_id.prefix()).map(|(row, _)| row.digest)
    }
}
