use super::managing::write_policy;
use super::read_back::{self, Written};
use super::tombstones;
use super::transaction::{Database, Transaction};
use crate::error::StoreError;
use crate::manage::{ClientFacts, ClientInfo, Export, Imported, ManageError, plan};

/// The number of attempts of an import that conflicts with concurrent changes.
const ATTEMPTS: usize = 5;

pub(in crate::store) async fn export_keys<D: Database>(
    database: &D,
) -> Result<Export, ManageError> {
    read_all(&mut database.read().await?).await
}

pub(in crate::store) async fn import_keys<D: Database>(
    database: &D,
    export: &Export,
) -> Result<Imported, ManageError> {
    let mut swallowed = Ok(());
    for _ in 0..ATTEMPTS {
        let mut transaction = database.write().await?;
        let here = read_all(&mut transaction).await?;
        let plan = plan(&here, &tombstones::purged(&mut transaction).await?, export);
        let clients = plan.clients.iter().copied().cloned().collect::<Vec<_>>();
        let keys = plan.keys.iter().copied().cloned().collect::<Vec<_>>();
        let written = [Written::Clients(&clients), Written::Keys(&keys)];
        if transaction.insert_clients(&clients).await? && transaction.insert_keys(&keys).await? {
            if let Some(policy) = plan.policy {
                transaction.lock_policy().await?;
                if transaction.read_policy().await? != here.policy() {
                    continue;
                }
                write_policy(&mut transaction, policy).await?;
            }
            read_back::commit(transaction, &written).await?;
            return Ok(plan.imported);
        }
        // Either a conflicting row exists, or a trigger or a rule discarded the new one.
        swallowed = read_back::check(&mut transaction, &written).await;
    }
    swallowed?;
    let busy = "nothing was changed: others are adding the same clients or keys; try again";
    Err(ManageError::Unavailable(StoreError::new(busy)))
}

/// Reads all clients and keys. An unreadable row is an error, since an export must be complete.
async fn read_all(transaction: &mut impl Transaction) -> Result<Export, ManageError> {
    let mut clients = Vec::new();
    for client in transaction.clients().await? {
        let ClientInfo { profile, enabled, keys: _ } = client.map_err(StoreError::from)?;
        clients.push(ClientFacts { profile, enabled });
    }
    let mut keys = Vec::new();
    for key in transaction.keys(None).await? {
        keys.push(key.map_err(StoreError::from)?.facts);
    }
    let policy = transaction.read_policy().await?;
    Ok(Export::new(clients, keys).with_policy(policy))
}
