use std::slice;
use std::time::Duration;

use super::read_back::{self, Written, not_kept};
use super::row::{BadRow, KeyRow, PartialRow};
use super::tombstones;
use super::transaction::{Database, Transaction};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::{
    ClientChange, ClientFacts, ClientInfo, KeyChange, KeyError, KeyFacts, KeyInfo, ManageError,
    NewKey, Policy, PolicyChange, Rotated, nearest_client, nearest_key, rules,
};

pub(in crate::store) async fn add_client<D: Database>(
    database: &D,
    profile: ClientProfile,
) -> Result<ClientInfo, ManageError> {
    let client = rules::add(profile)?;
    let mut transaction = database.write().await?;
    insert_client(&mut transaction, &client).await?;
    read_back::commit(transaction, &[Written::Clients(slice::from_ref(&client))]).await?;
    Ok(client.info(0))
}

pub(in crate::store) async fn update_client<D: Database>(
    database: &D,
    name: &str,
    change: ClientChange,
) -> Result<ClientInfo, ManageError> {
    let mut transaction = database.write().await?;
    let known = complete_client(&mut transaction, name).await?;
    check_client(database, &mut transaction, &known).await?;
    let client = rules::update_client(&known, change)?;
    transaction.update_client(&known, &client).await?;
    let keys = transaction.live_keys(name).await?;
    read_back::commit(transaction, &[Written::Clients(slice::from_ref(&client))]).await?;
    Ok(client.info(keys))
}

pub(in crate::store) async fn enable_client<D: Database>(
    database: &D,
    name: &str,
    enabled: bool,
) -> Result<ClientInfo, ManageError> {
    let mut transaction = database.write().await?;
    let mut client = existing_client(&mut transaction, name).await?;
    check_client(database, &mut transaction, &client.row).await?;
    // A client whose row is invalid can still be disabled.
    if enabled && let Some(error) = client.error {
        return Err(StoreError::from(error).into());
    }
    let old = client.row.clone();
    client.row.enabled = enabled;
    transaction.update_client(&old, &client.row).await?;
    let keys = transaction.live_keys(name).await?;
    read_back::commit(transaction, &[Written::Client(&client)]).await?;
    Ok(client.row.info(keys))
}

pub(in crate::store) async fn remove_client<D: Database>(
    database: &D,
    name: &str,
) -> Result<ClientInfo, ManageError> {
    let mut transaction = database.write().await?;
    let client = existing_client(&mut transaction, name).await?.row;
    check_client(database, &mut transaction, &client).await?;
    rules::remove(&client)?;
    let keys = transaction.live_keys(name).await?;
    // Tombstones come last: if a removed key has one, the triggers record its removal as a purge.
    let digests = tombstones::missing(&mut transaction, name).await?;
    transaction.delete_client(name).await?;
    tombstones::add(&mut transaction, &digests).await?;
    read_back::commit(transaction, &[Written::Removed { client: name }]).await?;
    Ok(client.info(keys))
}

pub(in crate::store) async fn issue<D: Database>(
    database: &D,
    client: &str,
    key: NewKey,
) -> Result<KeyInfo, ManageError> {
    let mut transaction = database.write_by_policy().await?;
    let client = complete_client(&mut transaction, client).await?;
    check_client(database, &mut transaction, &client).await?;
    let policy = transaction.policy().await?;
    let facts = rules::issue(&client.profile, key, &policy, database.now())?;
    insert_key(&mut transaction, &facts).await?;
    read_back::commit(transaction, &[Written::Keys(slice::from_ref(&facts))]).await?;
    Ok(facts.info(client.enabled))
}

pub(in crate::store) async fn update_key<D: Database>(
    database: &D,
    key_id: KeyId,
    change: KeyChange,
) -> Result<KeyInfo, ManageError> {
    let mut transaction = database.write_by_policy().await?;
    let known = expected_key(database, &mut transaction, key_id).await?;
    let known = known.complete().map_err(StoreError::from)?;
    let policy = transaction.policy().await?;
    let client = complete_client(&mut transaction, &known.facts.client).await?.profile;
    let key = rules::update_key(&client, &known.facts, change, &policy, database.now())?;
    transaction.update_key(&known.facts, &key).await?;
    read_back::commit(transaction, &[Written::Keys(slice::from_ref(&key))]).await?;
    Ok(key.info(known.enabled))
}

pub(in crate::store) async fn revoke<D: Database>(
    database: &D,
    key_id: KeyId,
) -> Result<KeyInfo, ManageError> {
    let mut transaction = database.write().await?;
    let mut key = expected_key(database, &mut transaction, key_id).await?;
    let old = key.row.facts.clone();
    rules::revoke(&mut key.row.facts, database.now());
    transaction.update_key(&old, &key.row.facts).await?;
    read_back::commit(transaction, &[Written::Key(&key)]).await?;
    Ok(key.row.info())
}

pub(in crate::store) async fn rotate<D: Database>(
    database: &D,
    key_id: KeyId,
    successor: NewKey,
    grace: Duration,
) -> Result<Rotated, ManageError> {
    let mut transaction = database.write_by_policy().await?;
    let old = expected_key(database, &mut transaction, key_id).await?;
    let known = old.complete().map_err(StoreError::from)?;
    let policy = transaction.policy().await?;
    let client = complete_client(&mut transaction, &known.facts.client).await?;
    let (old, new) =
        rules::rotate(&client.profile, &known.facts, successor, grace, &policy, database.now())?;
    insert_key(&mut transaction, &new).await?;
    transaction.update_key(&known.facts, &old).await?;
    let written = [old, new];
    read_back::commit(transaction, &[Written::Keys(&written)]).await?;
    let [old, new] = written;
    Ok(Rotated { old: old.info(known.enabled), new: new.info(client.enabled) })
}

pub(in crate::store) async fn policy<D: Database>(database: &D) -> Result<Policy, ManageError> {
    Ok(database.read().await?.read_policy().await?)
}

pub(in crate::store) async fn update_policy<D: Database>(
    database: &D,
    change: PolicyChange,
) -> Result<Policy, ManageError> {
    let mut transaction = database.write().await?;
    transaction.lock_policy().await?;
    let known = match transaction.read_policy().await {
        // An unusable policy can be replaced.
        Err(_) if change.replaces_all() => None,
        known => Some(known?),
    };
    let policy = rules::update_policy(&known.unwrap_or_default(), change)?;
    if known != Some(policy) {
        write_policy(&mut transaction, policy).await?;
    }
    read_back::commit(transaction, &[]).await?;
    Ok(policy)
}

/// Writes the policy, and reads it back.
pub(super) async fn write_policy(
    transaction: &mut impl Transaction,
    policy: Policy,
) -> Result<(), StoreError> {
    transaction.write_policy(policy).await?;
    if transaction.read_policy().await? != policy {
        let found = "the policy differs from what was written".to_owned();
        return Err(not_kept(transaction, found).await);
    }
    Ok(())
}

const NOT_INDEXED: &str = "its index does not find it: rebuild the indexes, in PostgreSQL with `reindex \
    schema keygate`, in SQLite with `reindex`";

pub(super) async fn complete_client(
    transaction: &mut impl Transaction,
    name: &str,
) -> Result<ClientFacts, ManageError> {
    Ok(existing_client(transaction, name).await?.complete().map_err(StoreError::from)?)
}

pub(super) async fn existing_client(
    transaction: &mut impl Transaction,
    name: &str,
) -> Result<PartialRow<ClientFacts>, ManageError> {
    if let Some(client) = transaction.partial_client(name).await? {
        return Ok(client);
    }
    let names = transaction.client_names().await?;
    if names.iter().any(|known| known == name) {
        return Err(StoreError::from(BadRow::client(name, NOT_INDEXED)).into());
    }
    let nearest = nearest_client(name, names.iter().map(String::as_str));
    Err(ManageError::UnknownClient { nearest })
}

/// Checks that a client has the version that the change is based on.
async fn check_client<D: Database>(
    database: &D,
    transaction: &mut D::Transaction,
    client: &ClientFacts,
) -> Result<(), ManageError> {
    match database.context().check_client(client, || 0) {
        Err(ManageError::ClientChanged { mut current }) => {
            current.keys = transaction.live_keys(client.profile.name()).await?;
            Err(ManageError::ClientChanged { current })
        }
        checked => checked,
    }
}

/// Finds a key to be changed. Refuses it if the change is based on another version.
async fn expected_key<D: Database>(
    database: &D,
    transaction: &mut D::Transaction,
    key_id: KeyId,
) -> Result<PartialRow<KeyRow>, ManageError> {
    let key = existing_key(transaction, key_id).await?;
    database.context().check_key(|| key.row.clone().info())?;
    Ok(key)
}

/// Finds a key, and locks it until the end of the transaction.
async fn existing_key(
    transaction: &mut impl Transaction,
    key_id: KeyId,
) -> Result<PartialRow<KeyRow>, ManageError> {
    if let Some(key) = transaction.partial_key(key_id).await? {
        // Every change of a key locks its client first, which prevents deadlocks.
        transaction.partial_client(&key.row.facts.client).await?;
        if let Some(key) = transaction.partial_key(key_id).await? {
            return Ok(key);
        }
    }
    Err(unknown_key(transaction, key_id).await?)
}

pub(super) async fn unknown_key(
    transaction: &mut impl Transaction,
    key_id: KeyId,
) -> Result<ManageError, StoreError> {
    let near = transaction.key_ids(key_id).await?;
    if near.contains(&key_id) {
        return Err(BadRow::key(key_id, NOT_INDEXED).into());
    }
    let nearest = nearest_key(key_id, near.into_iter());
    Ok(ManageError::UnknownKey { key_id, nearest })
}

/// The number of attempts of an insert that neither adds a row nor finds the conflicting one, which may have been
/// deleted meanwhile.
const ATTEMPTS: usize = 3;

async fn insert_client(
    transaction: &mut impl Transaction,
    client: &ClientFacts,
) -> Result<(), ManageError> {
    let name = client.profile.name();
    for _ in 0..ATTEMPTS {
        if transaction.insert_clients(slice::from_ref(client)).await? {
            return Ok(());
        }
        if transaction.partial_client(name).await?.is_some() {
            return Err(ManageError::ClientExists { name: name.to_owned() });
        }
    }
    let found = format!("the client `{name}` is missing after it was added");
    Err(not_kept(transaction, found).await.into())
}

async fn insert_key(transaction: &mut impl Transaction, key: &KeyFacts) -> Result<(), ManageError> {
    let key_id = key.key_id();
    if tombstones::is_purged(transaction, key.digest).await? {
        return Err(KeyError::Purged { key_id }.into());
    }
    for _ in 0..ATTEMPTS {
        if transaction.insert_keys(slice::from_ref(key)).await? {
            return Ok(());
        }
        if let Some(known) = transaction.key(key_id).await? {
            return Err(rules::duplicate(&known.facts, key.digest).into());
        }
    }
    let found = format!("the key {key_id} is missing after it was added");
    Err(not_kept(transaction, found).await.into())
}
