use std::sync::Arc;

use super::connections::{Connections, Role};
use super::{SqliteStore, columns};
use crate::key::KeyDigest;
use crate::store::{KeyStore, Lookup, LookupResult};

impl KeyStore for SqliteStore {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let connections = Arc::clone(&self.connections);
        Lookup::pending(async move { find(&connections, digest).await })
    }
}

async fn find(connections: &Connections, digest: KeyDigest) -> LookupResult {
    let mut connection = connections.acquire(Role::Reader).await?;
    let query = sqlx::query(columns::RECORD).bind(digest.to_bytes().to_vec());
    let row = query.fetch_optional(connection.sqlite()?).await;
    let row = row.map_err(|error| connection.query_error(error))?;
    Ok(row.map(|row| columns::record(&row)).transpose()?)
}
