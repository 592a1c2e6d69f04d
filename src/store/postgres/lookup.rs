//! Lookups, in one statement.

use std::sync::LazyLock;
use std::time::Instant;

use sqlx::postgres::{PgRow, Postgres};
use sqlx::{AssertSqlSafe, raw_sql};
use tokio::time::timeout;

use super::PostgresStore;
use super::pool::PooledConnection;
use super::server::{Server, server_columns};
use super::settings::{hex, local_settings};
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::sql::{self, Cursor};
use crate::store::{KeyStore, Lookup, LookupResult};

/// Always returns one row, so that a key without its client differs from an unknown key.
fn select(digest: &str) -> String {
    format!(
        "select {}, k.digest is not null, k.revoked is not null, {} from (select) as one \
         left join {} k on k.digest = {digest} {}",
        server_columns!(),
        sql::record_columns::<Postgres>(),
        sql::table::<Postgres, _>(&sql::KEYS),
        sql::with_client::<Postgres>(),
    )
}

static SELECT: LazyLock<String> = LazyLock::new(|| select("$1"));

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
            // Half of the remaining time, so that the error arrives before the deadline.
            let left = store.lookup_deadline.saturating_sub(started.elapsed()) / 2;
            return Err(connection.explain(error, left).await);
        }
    };
    connection.release();
    record(&row, &store.server)
}

/// Looks up the digest with a prepared statement, which takes one round trip after the first use.
async fn find(
    store: &PostgresStore,
    connection: &mut PooledConnection,
    digest: &[u8; 32],
) -> Result<PgRow, sqlx::Error> {
    if store.through_pooler {
        return find_unprepared(connection, digest).await;
    }
    sqlx::query(SELECT.as_str()).bind(&digest[..]).fetch_one(&mut **connection).await
}

/// Looks up the digest with a single message, which a pooler may send over any of its connections.
async fn find_unprepared(
    connection: &mut PooledConnection,
    digest: &[u8; 32],
) -> Result<PgRow, sqlx::Error> {
    let settings = concat!(local_settings!(), "set local bytea_output = hex; ");
    let sql = format!("{settings}{}", select(&format!("decode('{}', 'hex')", hex(digest))));
    raw_sql(AssertSqlSafe(sql)).fetch_one(&mut **connection).await
}

/// Decodes the row of a lookup.
fn record(row: &PgRow, server: &Server) -> LookupResult {
    let mut cursor = Cursor::new(row);
    server.check(&mut cursor)?;
    let [is_known, is_revoked] = [cursor.flag(), cursor.flag()].map(|flag| flag != Ok(Some(false)));
    Ok(is_known.then(|| cursor.record(is_revoked)).transpose()?)
}
