//! Lookups, in one statement.

use std::time::Instant;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _, raw_sql};
use tokio::time::timeout;

use super::PostgresStore;
use super::columns::{Columns, client_columns, client_row, digest, time};
use super::error::unavailable;
use super::pool::PooledConnection;
use super::server::{Server, server_columns};
use super::settings::{hex, local_settings};
use crate::error::StoreError;
use crate::key::{KeyDigest, KeyState};
use crate::store::sql::BadRow;
use crate::store::{KeyRecord, KeyStore, Lookup, LookupResult};

/// Returns one row in any case, with the [`server_columns`]. A key without its client differs from an unknown
/// key.
macro_rules! select {
    ($digest:literal) => {
        concat!(
            "select k.digest, k.algorithm, pg_catalog.timestamptz_send(k.expires), \
             k.revoked is not null, ",
            client_columns!(),
            ", ",
            server_columns!(),
            " from (select) as one left join keygate.keys k on k.digest = ",
            $digest,
            " left join keygate.clients c on c.name = k.client"
        )
    };
}

const SELECT: &str = select!("$1");
const CLIENT: usize = 4;
const SERVER: usize = 9;

impl KeyStore for PostgresStore {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let store = self.clone();
        Lookup::pending(async move {
            // A hanging server never responds.
            let record = timeout(store.lookup_deadline, look_up(&store, digest)).await;
            record.unwrap_or_else(|_| Err(StoreError::timed_out()))
        })
    }
}

async fn look_up(store: &PostgresStore, digest: KeyDigest) -> LookupResult {
    let started = Instant::now();
    let digest = digest.to_bytes();
    let mut connection = store.connections.acquire().await?;
    let mut row = find(store, &mut connection, &digest).await;
    if let Err(error) = &row
        && connection.reconnect_if_lost(error).await?
    {
        row = find(store, &mut connection, &digest).await;
    }
    let row = match row {
        Ok(row) => row,
        Err(error) => {
            // Half of the remaining time, so that the error itself arrives before the deadline.
            let left = store.lookup_deadline.saturating_sub(started.elapsed()) / 2;
            return Err(connection.explain(error, left).await);
        }
    };
    connection.release();
    record(&row, &store.server)
}

/// Looks the digest up by a prepared statement, which takes one round trip after the first use.
async fn find(
    store: &PostgresStore,
    connection: &mut PooledConnection,
    digest: &[u8; 32],
) -> Result<PgRow, sqlx::Error> {
    if store.through_pooler {
        return find_unprepared(connection, digest).await;
    }
    sqlx::query(SELECT).bind(&digest[..]).fetch_one(&mut **connection).await
}

/// Looks the digest up by one message, which a pooler may send over any of its connections.
async fn find_unprepared(
    connection: &mut PooledConnection,
    digest: &[u8; 32],
) -> Result<PgRow, sqlx::Error> {
    const PARTS: (&str, &str) = (
        concat!(local_settings!(), "set local bytea_output = hex; "),
        select!("pg_catalog.decode('{}', 'hex')"),
    );
    let sql = format!("{}{}", PARTS.0, PARTS.1.replacen("{}", &hex(digest), 1));
    raw_sql(AssertSqlSafe(sql)).fetch_one(&mut **connection).await
}

/// Decodes the row of a lookup.
fn record(row: &PgRow, server: &Server) -> Result<Option<KeyRecord>, StoreError> {
    server.check(row, SERVER)?;
    if matches!(row.bytes(0), Ok(None)) {
        return Ok(None);
    }
    let digest = digest(row, 0, 1)?;
    let key_id = digest.key_id();
    let expires = time(row, 2, key_id, "expires")?;
    let is_revoked: bool = row.try_get(3).map_err(unavailable)?;
    if matches!(row.text(CLIENT), Ok(None)) {
        return Err(BadRow::key(key_id, "its client does not exist").into());
    }
    let client = client_row(row, CLIENT)?;
    let state = match (is_revoked, client.enabled) {
        (true, _) => KeyState::Revoked,
        (false, false) => KeyState::Disabled,
        (false, true) => KeyState::Active,
    };
    Ok(Some(KeyRecord::new(digest, client.profile).with_expiry(expires).with_state(state)))
}
