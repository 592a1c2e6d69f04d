use std::time::UNIX_EPOCH;

use super::client_index::ClientIndex;
use super::{MemoryStore, explain};
use crate::key::{KeyState, PackedStatus};
use crate::manage::{
    BoxFuture, Export, HeldClient, HeldKey, Imported, ManageError, Plan, TransferKeys, plan,
};
use crate::store::table::Row;

impl TransferKeys for MemoryStore {
    fn export_keys(&self) -> BoxFuture<'_, Result<Export, ManageError>> {
        Box::pin(async move { Ok(self.held(&self.lock())) })
    }

    fn import_keys<'a>(
        &'a self,
        holdings: &'a Export,
    ) -> BoxFuture<'a, Result<Imported, ManageError>> {
        Box::pin(async move { self.take(holdings).map(|plan| plan.imported) })
    }
}

impl MemoryStore {
    /// Adds what is not there yet, and says what that was.
    pub(in crate::store) fn take<'a>(&self, new: &'a Export) -> Result<Plan<'a>, ManageError> {
        let mut ledger = self.lock();
        let plan = plan(&self.held(&ledger), new);
        let mut edit = self.shared.table.edit();
        let mut after = ledger.clone();
        for client in &plan.clients {
            after.put(client.profile.clone());
            after.set_enabled(client.profile.name(), client.enabled);
        }
        for key in &plan.keys {
            let profile = after.profile(&key.client)?.clone();
            let mark = PackedStatus::CLEAR.with_expiry(key.expires).with_state(state(key, &after));
            edit.insert(Row { digest: key.digest, profile }, mark)
                .map_err(|conflict| explain(&self.shared.table, conflict, &key.digest))?;
            after.note(key.key_id(), key.notes.clone());
        }
        edit.publish();
        *ledger = after;
        Ok(plan)
    }

    fn held(&self, ledger: &ClientIndex) -> Export {
        let clients = ledger.profiles().map(|profile| HeldClient {
            profile: profile.clone(),
            enabled: ledger.is_enabled(profile.name()),
        });
        let mut keys = Vec::new();
        self.shared.table.for_each(|row, mark| {
            let client = row.profile.name();
            let mut notes = ledger.notes(row.digest.key_id());
            if mark.is_revoked() && notes.revoked.is_none() {
                // Nobody noted when: other stores need a time, and this one is earlier than all.
                notes.revoked = Some(UNIX_EPOCH);
            }
            keys.push(HeldKey {
                digest: row.digest,
                client: client.to_owned(),
                expires: mark.expires(),
                notes,
                disabled: mark.state() == KeyState::Disabled && ledger.is_enabled(client),
            });
        });
        Export::new(clients.collect(), keys)
    }
}

fn state(key: &HeldKey, ledger: &ClientIndex) -> KeyState {
    match key.notes.revoked {
        Some(_) => KeyState::Revoked,
        None if ledger.is_enabled(&key.client) => KeyState::Active,
        None => KeyState::Disabled,
    }
}
