use std::collections::{HashMap, HashSet};

use super::MemoryStore;
use super::packed::{KeyMetadata, PackedKey};
use super::writing::update;
use crate::key::KeyId;
use crate::manage::{KeyFacts, KeyInfo, ManageError, PurgeKeys, Purged, rules};

impl MemoryStore {
    /// Removes the keys that a purge selects, and returns them, sorted by client and then by creation time: see
    /// [`ManageKeys::purge_keys`](crate::ManageKeys::purge_keys).
    ///
    /// The store keeps the digests of the removed keys, which cannot be added again. The call visits every key of the store.
    ///
    /// # Errors
    ///
    /// This store returns none.
    pub fn purge_keys(&self, purge: &PurgeKeys) -> Result<Vec<KeyInfo>, ManageError> {
        let mut index = self.lock();
        let now = index.now();
        let mut keys = HashMap::<KeyId, PackedKey>::new();
        self.shared.table.for_each(|row, status| {
            if status.is_revoked() || status.expires().is_some() {
                let key = index.packed(row, status);
                if purge.selects(&key.clone().info(), now) {
                    keys.insert(row.digest.key_id(), key);
                }
            }
        });
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let selected = keys.keys().copied().collect::<HashSet<_>>();
        self.shared.table.for_each(|row, status| {
            if status.is_replaced() {
                let key = index.packed(row, status);
                if key.metadata.replaced_by().is_some_and(|id| selected.contains(&id)) {
                    keys.insert(row.digest.key_id(), key);
                }
            }
        });
        let facts = keys.values().cloned().map(PackedKey::facts).collect();
        let Purged { mut removed, changed } = rules::purge(facts, purge, now);
        removed.sort_by_key(|key| key.digest.prefix());
        if !purge.is_dry_run() {
            let mut edit = self.shared.table.edit();
            edit.apply(removed.iter().map(|key| (key.digest.prefix(), None)).collect());
            for key in changed {
                update(&mut edit, &mut index, &keys[&key.key_id()], key);
            }
            for key in &removed {
                index.set_metadata(key.key_id(), KeyMetadata::default());
                index.purged.insert(key.digest);
            }
            edit.publish();
        }
        let info = |key: KeyFacts| {
            let is_enabled = keys[&key.key_id()].is_enabled();
            key.info(is_enabled)
        };
        let mut removed = removed.into_iter().map(info).collect::<Vec<_>>();
        removed.sort_by(KeyInfo::in_list_order);
        Ok(removed)
    }
}
