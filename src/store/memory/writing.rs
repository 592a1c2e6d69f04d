use super::MemoryStore;
use super::client_index::ClientIndex;
use super::packed::PackedKey;
use crate::manage::{KeyError, KeyFacts, rules};
use crate::store::table::Edit;

impl MemoryStore {
    /// Adds a key. The index is changed at once, and the table when the edit is published.
    pub(super) fn insert_packed(
        &self,
        edit: &mut Edit<'_>,
        index: &mut ClientIndex,
        key: PackedKey,
    ) -> Result<(), KeyError> {
        let PackedKey { row, status, metadata } = key;
        let (digest, key_id) = (row.digest, row.digest.key_id());
        if index.purged.contains(&digest) {
            return Err(KeyError::Purged { key_id });
        }
        if edit.insert(row, status) {
            index.set_metadata(key_id, metadata);
            return Ok(());
        }
        let known = self.find_packed(index, key_id).map(PackedKey::facts);
        Err(known.map_or(KeyError::IdConflict { key_id }, |known| rules::duplicate(&known, digest)))
    }
}

/// Replaces the facts of a key. The index is changed at once, and the table when the edit is published.
pub(super) fn update(
    edit: &mut Edit<'_>,
    index: &mut ClientIndex,
    known: &PackedKey,
    facts: KeyFacts,
) {
    let PackedKey { row, status, metadata } =
        PackedKey::new(facts, &known.row.profile, known.is_enabled());
    index.set_metadata(row.digest.key_id(), metadata);
    edit.replace(row, status);
}
