use super::client_index::ClientIndex;
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId, KeyState, PackedStatus};
use crate::manage::KeyError;
use crate::store::table::{Row, Table};

#[cfg(feature = "yaml")]
mod declared;

/// Builder of a store from many keys, several times faster than inserting them one by one. `P` is the position of a
/// key in its source, for errors.
pub(in crate::store) struct Bulk<P> {
    entries: Vec<(Row, PackedStatus, P)>,
    index: ClientIndex,
    /// Whether keys may have been pushed before their client was declared.
    declared: bool,
}

/// Two conflicting keys of one source.
pub(in crate::store) struct BulkConflict<P> {
    /// In the order of the source.
    pub(in crate::store) positions: [P; 2],
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
        Self { entries: Vec::new(), index: ClientIndex::default(), declared: false }
    }

    /// Adds a key with nothing but its client.
    pub(in crate::store) fn push(
        &mut self,
        digest: KeyDigest,
        profile: ClientProfile,
        position: P,
    ) -> Result<(), KeyError> {
        let profile = self.index.add_shared(profile)?;
        self.entries.push((Row { digest, profile }, PackedStatus::CLEAR, position));
        Ok(())
    }

    /// Gives every key the declared profile of its client, and disables the keys of disabled clients.
    fn update_rows(&mut self) {
        for (row, status, _) in &mut self.entries {
            if let Ok(client) = self.index.client(row.profile.name()) {
                row.profile = client.profile.restricted_as(&row.profile);
                *status = status.with_state(KeyState::of(status.is_revoked(), client.enabled));
            }
        }
    }

    /// Builds the table and the client index.
    ///
    /// # Errors
    ///
    /// All conflicts, sorted by the position of the second key.
    pub(super) fn finish(mut self) -> Result<(Table, ClientIndex), Vec<BulkConflict<P>>> {
        if self.declared {
            self.update_rows();
        }
        self.entries.sort_unstable_by(|(row, _, position), (other, _, other_position)| {
            row.prefix().cmp(&other.prefix()).then(position.cmp(other_position))
        });
        let pairs = self.entries.windows(2).filter(|pair| pair[0].0.prefix() == pair[1].0.prefix());
        let conflicts = pairs.map(|pair| {
            let [(row, _, position), (other, _, other_position)] = pair else { unreachable!() };
            BulkConflict {
                positions: [*position.min(other_position), *position.max(other_position)],
                same_key: row.digest == other.digest,
                key_id: row.digest.key_id(),
            }
        });
        let mut conflicts = conflicts.collect::<Vec<_>>();
        if !conflicts.is_empty() {
            conflicts.sort_by_key(|conflict| conflict.positions[1]);
            return Err(conflicts);
        }
        let rows = self.entries.into_iter().map(|(row, status, _)| (row, status)).collect();
        self.index.pack();
        Ok((Table::from_sorted(rows), self.index))
    }
}
