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
    /// Creates a store with exactly the clients and keys of an export, for example to try out a change.
    ///
    /// Unlike an import, it also takes keys with scopes or networks that their clients have lost.
    ///
    /// ```
    /// use keygate::MemoryStore;
    /// use keygate::manage::TransferKeys;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), keygate::manage::ManageError> {
    /// let store = MemoryStore::new();
    /// store.add_client("App 1")?;
    /// let copy = MemoryStore::from_export(&store.export_keys().await?)?;
    /// copy.disable_client("App 1")?;
    /// assert!(store.list_clients()[0].enabled);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A key of the export has no client. Only a bug in the exporting store can cause this.
    pub fn from_export(export: &Export) -> Result<Self, ManageError> {
        let store = Self::new();
        store.fill(export)?;
        Ok(store)
    }

    /// Adds exactly the clients and keys of an export to an empty store, without the rules of an import.
    pub(in crate::store) fn fill(&self, export: &Export) -> Result<(), ManageError> {
        let mut index = self.lock();
        index.policy = export.policy();
        for client in export.clients() {
            index.put_client(client.clone());
        }
        let mut edit = self.shared.table.edit();
        for key in export.keys() {
            let ClientFacts { profile, enabled } = index.client(&key.client)?;
            let is_enabled = enabled && !export.is_disabled(key.key_id());
            let key = PackedKey::new(key.clone(), &profile, is_enabled);
            self.insert_packed(&mut edit, &mut index, key)?;
        }
        edit.publish();
        Ok(())
    }

    /// Adds the clients, keys and policy that the store does not have yet.
    pub(in crate::store) fn import(&self, new: &Export) -> Result<Imported, ManageError> {
        let mut index = self.lock();
        let plan = plan(&self.export_locked(&index), &index.purged, new);
        let mut edit = self.shared.table.edit();
        let mut after = index.clone();
        for client in &plan.clients {
            after.put_client((*client).clone());
        }
        for key in &plan.keys {
            let ClientFacts { profile, enabled } = after.client(&key.client)?;
            let key = PackedKey::new((*key).clone(), &profile, enabled);
            self.insert_packed(&mut edit, &mut after, key)?;
        }
        if let Some(policy) = plan.policy {
            after.policy = policy;
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
        Export::new(index.clients().collect(), keys)
            .with_disabled(disabled)
            .with_policy(index.policy)
    }
}
