use super::MemoryStore;
use super::client_index::ClientIndex;
use crate::key::{KeyId, KeyState, PackedStatus};
use crate::manage::KeyError;
use crate::store::KeyRecord;
use crate::store::table::{Row, Table};

#[cfg(feature = "yaml")]
mod declared;

/// Many keys at once: collected, sorted and cut into a table, several times faster than one insert
/// after the other. `P` is where a key stands in its source, for the error.
pub(in crate::store) struct Bulk<P> {
    entries: Vec<(Row, PackedStatus, P)>,
    ledger: ClientIndex,
    /// Whether rows may have been pushed before their client was declared.
    declared: bool,
}

/// Two keys of one bulk that cannot stand side by side.
pub(in crate::store) struct BulkConflict<P> {
    /// In the order of the source.
    pub(in crate::store) places: [P; 2],
    pub(in crate::store) same_key: bool,
    key_id: KeyId,
}

impl<P> BulkConflict<P> {
    pub(in crate::store) fn into_error(self) -> KeyError {
        let key_id = self.key_id;
        if self.same_key { KeyError::Duplicate { key_id } } else { KeyError::IdConflict { key_id } }
    }
}

impl<P: Copy + Ord> Bulk<P> {
    pub(in crate::store) fn new() -> Self {
        Self { entries: Vec::new(), ledger: ClientIndex::default(), declared: false }
    }

    pub(in crate::store) fn push(&mut self, record: KeyRecord, place: P) -> Result<(), KeyError> {
        let (digest, mark) = (record.digest(), record.mark());
        mark.fault().map_or(Ok(()), |fault| Err(KeyError::Expiry(fault)))?;
        let profile = self.ledger.shared_profile(record.into_profile())?;
        self.entries.push((Row { digest, profile: profile.clone() }, mark, place));
        self.ledger.put(profile);
        Ok(())
    }

    /// Gives every key the profile that its client has in the end, and disables it with its client.
    fn follow_clients(&mut self) {
        for (row, mark, _) in &mut self.entries {
            if let Ok(profile) = self.ledger.profile(row.profile.name()) {
                row.profile = profile.clone();
            }
            if mark.state() == KeyState::Active && !self.ledger.is_enabled(row.profile.name()) {
                *mark = mark.with_state(KeyState::Disabled);
            }
        }
    }

    /// Builds the store, or names the conflicts in the order of their second keys in the source.
    pub(in crate::store) fn finish(mut self) -> Result<MemoryStore, Vec<BulkConflict<P>>> {
        if self.declared {
            self.follow_clients();
        }
        self.entries.sort_unstable_by(|(row, _, place), (other, _, other_place)| {
            row.prefix().cmp(&other.prefix()).then(place.cmp(other_place))
        });
        let clashes =
            self.entries.windows(2).filter(|pair| pair[0].0.prefix() == pair[1].0.prefix());
        let conflicts = clashes.map(|pair| {
            let [(row, _, place), (other, _, other_place)] = pair else { unreachable!() };
            BulkConflict {
                places: [*place.min(other_place), *place.max(other_place)],
                same_key: row.digest == other.digest,
                key_id: row.digest.key_id(),
            }
        });
        let mut conflicts = conflicts.collect::<Vec<_>>();
        if !conflicts.is_empty() {
            conflicts.sort_by_key(|conflict| conflict.places[1]);
            return Err(conflicts);
        }
        let rows = self.entries.into_iter().map(|(row, mark, _)| (row, mark)).collect();
        let table = Table::from_sorted(rows);
        self.ledger.pack();
        Ok(MemoryStore::from_parts(table, self.ledger))
    }
}
