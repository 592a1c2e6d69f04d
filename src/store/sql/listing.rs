use super::managing::{complete_client, existing_client, unknown_key};
use super::row::{BadRow, ClientRow, KeyRow};
use super::transaction::{Database, Transaction};
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::{ClientInfo, KeyInfo, ManageError, PartialList};

pub(in crate::store) async fn list_clients<D: Database>(
    database: &D,
) -> Result<Vec<ClientInfo>, ManageError> {
    complete(database.read().await?.clients().await?, sort_clients)
}

pub(in crate::store) async fn list_readable_clients<D: Database>(
    database: &D,
) -> Result<PartialList<ClientInfo>, ManageError> {
    Ok(readable(database.read().await?.clients().await?, sort_clients))
}

pub(in crate::store) async fn find_client<D: Database>(
    database: &D,
    name: &str,
) -> Result<ClientInfo, ManageError> {
    let mut transaction = database.read().await?;
    let ClientRow { profile, enabled } = complete_client(&mut transaction, name).await?;
    let keys = transaction.live_keys(name).await?;
    Ok(ClientInfo { profile, enabled, keys })
}

pub(in crate::store) async fn list_keys<D: Database>(
    database: &D,
    client: Option<&str>,
) -> Result<Vec<KeyInfo>, ManageError> {
    complete(keys(database, client).await?, sort_keys)
}

pub(in crate::store) async fn list_readable_keys<D: Database>(
    database: &D,
    client: Option<&str>,
) -> Result<PartialList<KeyInfo>, ManageError> {
    Ok(readable(keys(database, client).await?, sort_keys))
}

pub(in crate::store) async fn find_key<D: Database>(
    database: &D,
    key_id: KeyId,
) -> Result<KeyInfo, ManageError> {
    let mut transaction = database.read().await?;
    match transaction.key(key_id).await? {
        Some(key) => Ok(key.info()),
        None => Err(unknown_key(&mut transaction, key_id).await?),
    }
}

async fn keys<D: Database>(
    database: &D,
    client: Option<&str>,
) -> Result<Vec<Result<KeyInfo, BadRow>>, ManageError> {
    let mut transaction = database.read().await?;
    if let Some(name) = client {
        existing_client(&mut transaction, name).await?;
    }
    let keys = transaction.keys(client).await?.into_iter();
    Ok(keys.map(|key| key.map(KeyRow::info)).collect())
}

/// Returns the sorted list, or the error of the first invalid row.
fn complete<T>(
    rows: Vec<Result<T, BadRow>>,
    sort: impl FnOnce(&mut [T]),
) -> Result<Vec<T>, ManageError> {
    let rows = rows.into_iter().collect::<Result<Vec<_>, _>>();
    let mut found = rows.map_err(StoreError::from)?;
    sort(&mut found);
    Ok(found)
}

fn readable<T>(rows: Vec<Result<T, BadRow>>, sort: impl FnOnce(&mut [T])) -> PartialList<T> {
    let mut listed = PartialList::from(Vec::with_capacity(rows.len()));
    for row in rows {
        match row {
            Ok(row) => listed.found.push(row),
            Err(bad) => listed.unreadable.push(bad.to_string()),
        }
    }
    sort(&mut listed.found);
    listed.unreadable.sort();
    listed
}

fn sort_clients(clients: &mut [ClientInfo]) {
    // The database may sort by the rules of a language.
    clients.sort_by(|client, other| client.profile.name().cmp(other.profile.name()));
}

fn sort_keys(keys: &mut [KeyInfo]) {
    keys.sort_by(|key, other| {
        let order = |key: &KeyInfo| (key.created, key.key_id);
        key.client.cmp(&other.client).then_with(|| order(key).cmp(&order(other)))
    });
}
