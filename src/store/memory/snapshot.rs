use std::collections::HashSet;

use super::MemoryStore;
use super::client_index::ClientIndex;
use crate::key::{KeyDigest, KeyId, KeyState, PackedStatus};
use crate::store::table::Row;

/// For stores that keep what they hold elsewhere, and load it anew.
impl MemoryStore {
    /// Whether both stores hold the same clients and keys, and know the same of them.
    pub(in crate::store) fn holds_the_same(&self, other: &Self) -> bool {
        let rows = |store: &Self| {
            let mut rows = Vec::new();
            store.shared.table.for_each(|row, mark| rows.push((row.clone(), mark)));
            rows
        };
        let same =
            |((row, mark), (other, other_mark)): (&(Row, PackedStatus), &(Row, PackedStatus))| {
                row.digest == other.digest && mark == other_mark && row.profile == other.profile
            };
        let (rows, others) = (rows(self), rows(other));
        rows.len() == others.len()
            && rows.iter().zip(&others).all(same)
            && tell_the_same(&self.lock(), &other.lock())
    }

    /// Takes over what another store holds, in one step. Nobody else may have that one.
    pub(in crate::store) fn replace(&self, other: &Self) {
        let mut ledger = self.lock();
        let clock = ledger.clock.take();
        *ledger = std::mem::take(&mut *other.lock());
        ledger.clock = clock;
        self.shared.table.replace(&other.shared.table);
    }

    pub(in crate::store) fn revoked(&self) -> HashSet<KeyDigest> {
        let mut revoked = HashSet::new();
        self.shared.table.for_each(|row, mark| {
            if mark.is_revoked() {
                revoked.insert(row.digest);
            }
        });
        revoked
    }

    /// Whether the key with this digest is here and not revoked.
    pub(in crate::store) fn has_live(&self, digest: &KeyDigest) -> bool {
        self.shared.table.state(digest).is_some_and(|state| state != KeyState::Revoked)
    }

    /// Whether there is a key here that is not revoked and not in the other store at all.
    pub(in crate::store) fn has_live_unknown_to(&self, other: &Self) -> bool {
        let mut found = false;
        self.shared.table.for_each(|row, mark| {
            found |= !mark.is_revoked() && other.shared.table.state(&row.digest).is_none();
        });
        found
    }

    /// Revokes those of these keys that are here, in one step.
    pub(in crate::store) fn revoke_all(&self, digests: &HashSet<KeyDigest>) {
        let _ledger = self.lock();
        let mut edit = self.shared.table.edit();
        for digest in digests.iter().filter(|digest| self.has_live(digest)) {
            edit.change_mark(digest.prefix(), PackedStatus::revoked);
        }
        edit.publish();
    }

    pub(in crate::store) fn share_clock(&self, other: &Self) {
        let clock = self.lock().clock.clone();
        other.lock().clock = clock;
    }

    /// Another store that holds the same and can be changed without this one.
    pub(in crate::store) fn fork(&self) -> Self {
        let ledger = self.lock();
        Self::from_parts(self.shared.table.fork(), ledger.clone())
    }

    pub(in crate::store) fn digest_of(&self, key_id: KeyId) -> Option<KeyDigest> {
        self.shared.table.row(key_id.prefix()).map(|(row, _)| row.digest)
    }
}

/// Whether both tell the same, their clocks aside.
fn tell_the_same(ledger: &ClientIndex, other: &ClientIndex) -> bool {
    ledger.client_count() == other.client_count()
        && ledger.profiles().eq(other.profiles())
        && ledger.disabled == other.disabled
        && ledger.notes == other.notes
}
