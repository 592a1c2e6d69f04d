use super::managing::{complete_client, existing_client, unknown_key};
use super::row::{BadRow, KeyRow};
use super::transaction::{Database, Transaction};
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::{ClientInfo, KeyInfo, ManageError, PartialList};

pub(in crate::store) async fn list_clients<D: Database>(
    database: &D,
) -> Result<Vec<ClientInfo>, ManageError> {
    complete(list_readable_clients(database).await?)
}

pub(in crate::store) async fn list_readable_clients<D: Database>(
    database: &D,
) -> Result<PartialList<ClientInfo>, ManageError> {
    let mut listed = readable(database.read().await?.clients().await?);
    // The database may sort by the rules of some language.
    listed.found.sort_by(|client, other| client.profile.name().cmp(other.profile.name()));
    Ok(listed)
}

pub(in crate::store) async fn find_client<D: Database>(
    database: &D,
    name: &str,
) -> Result<ClientInfo, ManageError> {
    let mut transaction = database.read().await?;
    let client = complete_client(&mut transaction, name).await?;
    Ok(client.info(transaction.live_keys(name).await?))
}

pub(in crate::store) async fn list_keys<D: Database>(
    database: &D,
    client: Option<&str>,
) -> Result<Vec<KeyInfo>, ManageError> {
    complete(list_readable_keys(database, client).await?)
}

pub(in crate::store) async fn list_readable_keys<D: Database>(
    database: &D,
    client: Option<&str>,
) -> Result<PartialList<KeyInfo>, ManageError> {
    let mut transaction = database.read().await?;
    if let Some(name) = client {
        existing_client(&mut transaction, name).await?;
    }
    let keys = transaction.keys(client).await?.into_iter();
    let mut listed = readable(keys.map(|key| key.map(KeyRow::info)));
    listed.found.sort_by(KeyInfo::in_list_order);
    Ok(listed)
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

/// Returns the list, or the error of the first invalid row.
fn complete<T>(listed: PartialList<T>) -> Result<Vec<T>, ManageError> {
    match listed.unreadable.into_iter().next() {
        Some(why) => Err(StoreError::new(why).into()),
        None => Ok(listed.found),
    }
}

fn readable<T>(rows: impl IntoIterator<Item = Result<T, BadRow>>) -> PartialList<T> {
    let mut listed = PartialList::from(Vec::new());
    for row in rows {
        match row {
            Ok(row) => listed.found.push(row),
            Err(bad) => listed.unreadable.push(bad.to_string()),
        }
    }
    listed.unreadable.sort();
    listed
}
