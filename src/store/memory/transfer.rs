use std::collections::BTreeSet;

use super::MemoryStore;
use super::client_index::ClientIndex;
use super::packed::PackedKey;
use crate::manage::{ClientFacts, Export, Imported, ManageError, ManageFuture, TransferKeys, plan};

impl TransferKeys for MemoryStore {
    fn export_keys(&self) -> ManageFuture<'_, Export> {
        Box::pin(async move { Ok(self.export()) })
    }

    fn import_keys<'a>(&'a self, export: &'a Export) -> ManageFuture<'a, Imported> {
        Box::pin(async move { self.import(export) })
    }
}

impl MemoryStore {
    /// Adds the clients and keys that the store does not have yet.
    pub(in crate::store) fn import(&self, new: &Export) -> Result<Imported, ManageError> {
        let mut index = self.lock();
        let plan = plan(&self.export_locked(&index), new);
        let mut edit = self.shared.table.edit();
        let mut after = index.clone();
        for client in &plan.clients {
            after.put_client((*client).clone());
        }
        for key in &plan.keys {
            let ClientFacts { profile, enabled } = after.client(&key.client)?;
            let key = PackedKey::new((*key).clone(), profile, enabled);
            self.insert_packed(&mut edit, &mut after, key)?;
        }
        edit.publish();
        *index = after;
        Ok(plan.imported)
    }

    pub(in crate::store) fn export(&self) -> Export {
        self.export_locked(&self.lock())
    }

    fn export_locked(&self, index: &ClientIndex) -> Export {
        let (mut keys, mut disabled) = (Vec::new(), BTreeSet::new());
        self.shared.table.for_each(|row, status| {
            let key = index.packed(row, status);
            if !key.is_enabled() && index.is_enabled(row.profile.name()) {
                disabled.insert(row.digest.key_id());
            }
            keys.push(key.facts());
        });
        Export::new(index.clients().collect(), keys).with_disabled(disabled)
    }
}
