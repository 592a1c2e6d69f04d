use std::time::UNIX_EPOCH;

use super::client_index::ClientIndex;
use super::{MemoryStore, key_error};
use crate::key::{KeyState, PackedStatus};
use crate::manage::{
    BoxFuture, Export, ExportedClient, ExportedKey, ImportPlan, Imported, ManageError,
    TransferKeys, plan,
};
use crate::store::table::Row;

impl TransferKeys for MemoryStore {
    fn export_keys(&self) -> BoxFuture<'_, Result<Export, ManageError>> {
        Box::pin(async move { Ok(self.export(&self.lock())) })
    }

    fn import_keys<'a>(
        &'a self,
        export: &'a Export,
    ) -> BoxFuture<'a, Result<Imported, ManageError>> {
        Box::pin(async move { self.import(export).map(|plan| plan.imported) })
    }
}

impl MemoryStore {
    /// Adds the clients and keys that the store does not have yet, and returns them.
    pub(in crate::store) fn import<'a>(
        &self,
        new: &'a Export,
    ) -> Result<ImportPlan<'a>, ManageError> {
        let mut index = self.lock();
        let plan = plan(&self.export(&index), new);
        let mut edit = self.shared.table.edit();
        let mut after = index.clone();
        for client in &plan.clients {
            after.put(client.profile.clone());
            after.set_enabled(client.profile.name(), client.enabled);
        }
        for key in &plan.keys {
            let profile = after.profile(&key.client)?.clone();
            let status =
                PackedStatus::CLEAR.with_expiry(key.expires).with_state(state(key, &after));
            edit.insert(Row { digest: key.digest, profile }, status)
                .map_err(|error| key_error(&self.shared.table, error, &key.digest))?;
            after.set_metadata(key.key_id(), key.metadata.clone());
        }
        edit.publish();
        *index = after;
        Ok(plan)
    }

    fn export(&self, index: &ClientIndex) -> Export {
        let clients = index.profiles().map(|profile| ExportedClient {
            profile: profile.clone(),
            enabled: index.is_enabled(profile.name()),
        });
        let mut keys = Vec::new();
        self.shared.table.for_each(|row, status| {
            let client = row.profile.name();
            let mut metadata = index.metadata(row.digest.key_id());
            if status.is_revoked() && metadata.revoked.is_none() {
                // Other stores require a time of revocation, and this one is unknown.
                metadata.revoked = Some(UNIX_EPOCH);
            }
            keys.push(ExportedKey {
                digest: row.digest,
                client: client.to_owned(),
                expires: status.expires(),
                metadata,
                disabled: status.state() == KeyState::Disabled && index.is_enabled(client),
            });
        });
        Export::new(clients.collect(), keys)
    }
}

fn state(key: &ExportedKey, index: &ClientIndex) -> KeyState {
    match key.metadata.revoked {
        Some(_) => KeyState::Revoked,
        None if index.is_enabled(&key.client) => KeyState::Active,
        None => KeyState::Disabled,
    }
}
