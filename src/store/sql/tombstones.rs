//! The statements of a purge and of the removal of a client, which leave a tombstone for each key.

use std::collections::HashSet;

use super::column::{Codec, Column, KeyTime, Table, Value};
use super::columns;
use super::cursor::{self, Cursor, Dialect, Values};
use super::read_back::not_kept;
use super::row::KeyRow;
use super::transaction::{Listed, Transaction};
use crate::error::StoreError;
use crate::key::{KeyDigest, Timestamp};
use crate::manage::KeyFacts;

static TOMBSTONES: Table<KeyDigest> = Table {
    name: "tombstones",
    columns: &[Column::managed(
        "digest",
        Codec::Bytes(
            |digest| digest.to_bytes().to_vec(),
            |digest, bytes| {
                *digest = columns::digest(bytes)?;
                Ok(())
            },
        ),
    )],
};

/// Returns whether this key has a tombstone.
pub(super) async fn is_purged<T: Transaction>(
    transaction: &mut T,
    digest: KeyDigest,
) -> Result<bool, StoreError> {
    let sql = format!("select digest from {} where digest = $1", table::<T>());
    let values = [Value::Bytes(digest.to_bytes().to_vec())];
    Ok(!transaction.rows(&sql, &values).await?.is_empty())
}

/// Returns the digests of all keys with a tombstone.
pub(super) async fn purged<T: Transaction>(
    transaction: &mut T,
) -> Result<HashSet<KeyDigest>, StoreError> {
    let rows = transaction.rows(&format!("select digest from {}", table::<T>()), &[]).await?;
    Ok(digests(&rows).collect())
}

/// Returns the digests of the keys of a client that have no tombstone yet.
pub(super) async fn missing<T: Transaction>(
    transaction: &mut T,
    client: &str,
) -> Result<Vec<KeyDigest>, StoreError> {
    let (keys, tombstones) = (cursor::keys_table::<T::Dialect>(), table::<T>());
    let sql = format!(
        "select k.digest from {keys} k where k.client = $1 and not exists \
         (select 1 from {tombstones} t where t.digest = k.digest)"
    );
    Ok(digests(&transaction.rows(&sql, &[client.into()]).await?).collect())
}

/// Adds tombstones for keys that were deleted.
pub(super) async fn add<T: Transaction>(
    transaction: &mut T,
    digests: &[KeyDigest],
) -> Result<(), StoreError> {
    if transaction.insert(&TOMBSTONES, digests).await? {
        return Ok(());
    }
    let found = "the tombstone of a removed key is missing".to_owned();
    Err(not_kept(transaction, found).await)
}

/// Reads the first column. The database checks the length of digests.
fn digests<R: Values>(rows: &[R]) -> impl Iterator<Item = KeyDigest> {
    rows.iter().filter_map(|row| Cursor::new(row).digest().ok().flatten())
}

/// Lists the revoked keys, if they are selected, and other keys that have expired at this time.
pub(super) async fn ended_keys<T: Transaction>(
    transaction: &mut T,
    with_revoked: bool,
    expired: Option<Timestamp>,
) -> Result<Listed<KeyRow>, StoreError> {
    let mut values = Vec::new();
    let mut conditions = Vec::new();
    if with_revoked {
        conditions.push("k.revoked is not null".to_owned());
    }
    if let Some(time) = expired {
        values.push(T::Dialect::order_value(time));
        let time = T::Dialect::order_time(KeyTime::Expires);
        conditions.push(format!("k.revoked is null and {time} <= $1"));
    }
    if conditions.is_empty() {
        return Ok(Vec::new());
    }
    list(transaction, &conditions.join(" or "), &values).await
}

/// Lists the keys that were replaced by one of these.
pub(super) async fn keys_replaced_by<T: Transaction>(
    transaction: &mut T,
    ids: Vec<String>,
) -> Result<Listed<KeyRow>, StoreError> {
    let condition = format!("k.replaced_by {}", T::Dialect::in_list("$1"));
    list(transaction, &condition, &[Value::Texts(ids)]).await
}

async fn list<T: Transaction>(
    transaction: &mut T,
    condition: &str,
    values: &[Value<'_>],
) -> Result<Listed<KeyRow>, StoreError> {
    let select = cursor::keys::<T::Dialect>();
    let rows = transaction.rows(&format!("{select} where {condition}"), values).await?;
    Ok(rows.iter().map(|row| Cursor::new(row).key()?.complete()).collect())
}

/// Locks these clients, in the order of their names, if the transaction writes.
pub(super) async fn lock_clients<T: Transaction>(
    transaction: &mut T,
    names: Vec<String>,
) -> Result<(), StoreError> {
    let (clients, lock) = (cursor::clients_table::<T::Dialect>(), transaction.lock());
    let names_in = T::Dialect::in_list("$1");
    let sql = format!("select name from {clients} where name {names_in} order by name{lock}");
    transaction.rows(&sql, &[Value::Texts(names)]).await.map(drop)
}

/// Removes the ids of successors from these keys.
pub(super) async fn forget_successors<T: Transaction>(
    transaction: &mut T,
    keys: &[KeyFacts],
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let (keys_table, ids) = (cursor::keys_table::<T::Dialect>(), [noted(transaction, keys)]);
    let ids_in = T::Dialect::in_list("$1");
    let sql = format!("update {keys_table} set replaced_by = null where key_id {ids_in}");
    transaction.execute(&sql, &ids).await
}

/// Replaces keys with tombstones, and returns the number of these.
pub(super) async fn bury<T: Transaction>(
    transaction: &mut T,
    keys: &[KeyFacts],
) -> Result<usize, StoreError> {
    let (keys_table, ids) = (cursor::keys_table::<T::Dialect>(), [noted(transaction, keys)]);
    let ids_in = T::Dialect::in_list("$1");
    // Tombstones come first: if a removed key has one, the triggers record its removal as a purge.
    let sql = format!(
        "insert into {} (digest) select digest from {keys_table} where key_id {ids_in} returning digest",
        table::<T>()
    );
    let tombstones = transaction.rows(&sql, &ids).await?.len();
    transaction.execute(&format!("delete from {keys_table} where key_id {ids_in}"), &ids).await?;
    Ok(tombstones)
}

/// Announces a change of keys to the transaction, and returns their ids as an argument.
fn noted(transaction: &mut impl Transaction, keys: &[KeyFacts]) -> Value<'static> {
    for key in keys {
        transaction.note_key(key.key_id());
    }
    Value::Texts(keys.iter().map(|key| key.key_id().to_string()).collect())
}

fn table<T: Transaction>() -> String {
    cursor::table::<T::Dialect, _>(&TOMBSTONES)
}
