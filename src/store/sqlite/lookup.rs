use std::sync::{Arc, LazyLock};

use sqlx::Sqlite;

use super::SqliteStore;
use super::connections::Connections;
use crate::key::KeyDigest;
use crate::store::sql::{self, Cursor};
use crate::store::{KeyStore, Lookup, LookupResult};

impl KeyStore for SqliteStore {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let connections = Arc::clone(&self.connections);
        Lookup::pending(async move { find(&connections, digest).await })
    }
}

static SELECT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select {} from {} k {} where k.digest = $1",
        sql::record_columns::<Sqlite>(),
        sql::table::<Sqlite, _>(&sql::KEYS),
        sql::with_client::<Sqlite>()
    )
});

async fn find(connections: &Connections, digest: KeyDigest) -> LookupResult {
    let query = sqlx::query(SELECT.as_str()).bind(digest.to_bytes().to_vec());
    let rows = connections.reader().await?.rows(query).await?;
    Ok(rows.first().map(|row| Cursor::new(row).record(false)).transpose()?)
}
