//! When keys and clients were last used.

use std::collections::BTreeSet;

use super::{DialectOf, names, table, text};
use crate::error::StoreError;
use crate::store::sql::cursor::{Cursor, Dialect, ValueError, Values};
use crate::store::sql::transaction::{Database, Transaction};
use crate::store::usage::{ClientUse, LastUse};

pub(in crate::store) async fn read_last_uses<B: Database>(
    database: &B,
    client: Option<&str>,
) -> Result<Vec<LastUse>, StoreError> {
    let table = table::<DialectOf<B>>("last");
    let condition = client.map_or("", |_| " where client = $1");
    let sql = format!("select client, key_id, last_used from {table}{condition}");
    let client: Vec<_> = client.map(Into::into).into_iter().collect();
    let mut transaction = database.read().await?;
    let rows = transaction.rows(&sql, &client).await?;
    transaction.commit().await?;
    let last_use = |row| {
        let mut cursor = Cursor::new(row);
        let (client, key_id) = (text(&mut cursor)?, text(&mut cursor)?);
        Ok::<_, ValueError>(LastUse { client, key_id, time: cursor.count()? as u64 })
    };
    rows.iter().map(last_use).collect::<Result<_, _>>().map_err(StoreError::new)
}

/// The minimum number of rows to read at once, since most clients have several keys.
const ROWS: usize = 200;

/// Lists clients by the last use of any of their keys, the latest first, and then by name.
pub(in crate::store) async fn read_clients_by_last_use<B: Database>(
    database: &B,
    limit: usize,
    after: Option<&ClientUse>,
) -> Result<Vec<ClientUse>, StoreError> {
    let mut transaction = database.read().await?;
    let (mut found, mut after) = (Vec::new(), after.cloned());
    let rows = (limit * 2).max(ROWS);
    while found.len() < limit {
        let uses = uses_after(&mut transaction, rows, after.as_ref()).await?;
        let is_last = uses.len() < rows;
        after = uses.last().cloned();
        let clients = uses.iter().map(|used| used.client.clone()).collect();
        let latest = latest_uses(&mut transaction, &clients).await?;
        // A client with several keys is listed by its latest use.
        found.extend(uses.into_iter().filter(|used| latest.contains(used)));
        if is_last {
            break;
        }
    }
    transaction.commit().await?;
    found.truncate(limit);
    Ok(found)
}

/// Returns the last uses of all keys, the latest first.
async fn uses_after<T: Transaction>(
    transaction: &mut T,
    rows: usize,
    after: Option<&ClientUse>,
) -> Result<Vec<ClientUse>, StoreError> {
    let after = after.filter(|after| !after.client.contains('\0'));
    let condition = after.map_or(String::new(), |after| {
        format!("where (last_used, client) < ({}, $1) ", after.time)
    });
    let sql = format!(
        "select client, last_used from {} {condition}\
         group by last_used, client order by last_used desc, client desc limit {rows}",
        table::<T::Dialect>("last")
    );
    let client: Vec<_> = after.map(|after| after.client.as_str().into()).into_iter().collect();
    client_uses(&transaction.rows(&sql, &client).await?)
}

pub(in crate::store) async fn read_last_uses_of<B: Database>(
    database: &B,
    clients: &BTreeSet<String>,
) -> Result<Vec<ClientUse>, StoreError> {
    let mut transaction = database.read().await?;
    let uses = latest_uses(&mut transaction, clients).await?;
    transaction.commit().await?;
    Ok(uses.into_iter().collect())
}

/// Returns the latest use of each of these clients.
async fn latest_uses<T: Transaction>(
    transaction: &mut T,
    clients: &BTreeSet<String>,
) -> Result<BTreeSet<ClientUse>, StoreError> {
    let sql = format!(
        "select client, max(last_used) from {} where client {} group by client",
        table::<T::Dialect>("last"),
        T::Dialect::in_list("$1")
    );
    let uses = client_uses(&transaction.rows(&sql, &[names(clients)]).await?)?;
    Ok(uses.into_iter().collect())
}

fn client_uses<R: Values>(rows: &[R]) -> Result<Vec<ClientUse>, StoreError> {
    let client_use = |row| {
        let mut cursor = Cursor::new(row);
        Ok::<_, ValueError>(ClientUse { client: text(&mut cursor)?, time: cursor.count()? as u64 })
    };
    rows.iter().map(client_use).collect::<Result<_, _>>().map_err(StoreError::new)
}
