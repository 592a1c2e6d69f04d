use std::collections::HashSet;

use super::MemoryStore;
use super::client_index::ClientIndex;
use crate::key::{KeyDigest, KeyId, KeyState, PackedStatus};
use crate::store::table::Row;

/// For stores that load their keys from a file or database.
impl MemoryStore {
    /// Returns whether both stores have the same clients and keys, with the same metadata.
    pub(in crate::store) fn has_same_content(&self, other: &Self) -> bool {
        let rows = |store: &Self| {
            let mut rows = Vec::new();
            store.shared.table.for_each(|row, status| rows.push((row.clone(), status)));
            rows
        };
        let same = |((row, status), (other, other_status)): (
            &(Row, PackedStatus),
            &(Row, PackedStatus),
        )| {
            row.digest == other.digest && status == other_status && row.profile == other.profile
        };
        let (rows, others) = (rows(self), rows(other));
        rows.len() == others.len()
            && rows.iter().zip(&others).all(same)
            && is_same_index(&self.lock(), &other.lock())
    }

    /// Atomically replaces the content with that of another store, to which no other handle exists.
    pub(in crate::store) fn replace(&self, other: &Self) {
        let mut index = self.lock();
        let clock = index.clock.take();
        *index = std::mem::take(&mut *other.lock());
        index.clock = clock;
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

    /// Returns whether the store has the key with this digest, not revoked.
    pub(in crate::store) fn has_live(&self, digest: &KeyDigest) -> bool {
        self.shared.table.state(digest).is_some_and(|state| state != KeyState::Revoked)
    }

    /// Returns whether the store has a key, not revoked, that is missing from the other store.
    pub(in crate::store) fn has_live_unknown_to(&self, other: &Self) -> bool {
        let mut found = false;
        self.shared.table.for_each(|row, status| {
            found |= !status.is_revoked() && other.shared.table.state(&row.digest).is_none();
        });
        found
    }

    /// Atomically revokes all of these keys that the store has.
    pub(in crate::store) fn revoke_all(&self, digests: &HashSet<KeyDigest>) {
        let _index = self.lock();
        let mut edit = self.shared.table.edit();
        for digest in digests.iter().filter(|digest| self.has_live(digest)) {
            edit.change_status(digest.prefix(), PackedStatus::revoked);
        }
        edit.publish();
    }

    pub(in crate::store) fn share_clock(&self, other: &Self) {
        let clock = self.lock().clock.clone();
        other.lock().clock = clock;
    }

    /// Returns an independent copy of the store.
    pub(in crate::store) fn fork(&self) -> Self {
        let index = self.lock();
        Self::from_parts(self.shared.table.fork(), index.clone())
    }

    pub(in crate::store) fn digest_of(&self, key_id: KeyId) -> Option<KeyDigest> {
        self.shared.table.row(key_id.prefix()).map(|(row, _)| row.digest)
    }
}

/// Compares everything except the clocks.
fn is_same_index(index: &ClientIndex, other: &ClientIndex) -> bool {
    index.client_count() == other.client_count()
        && index.profiles().eq(other.profiles())
        && index.disabled == other.disabled
        && index.metadata == other.metadata
}
