use std::time::SystemTime;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow};
use sqlx::{Row as _, Sqlite};

use super::SqliteStore;
use super::columns::{client_row, key_row, partial_client, partial_key};
use super::connections::Role;
use super::inspect::foreign_triggers;
use super::open_transaction::OpenTransaction;
use super::statements::{
    CLEAR_ORIGIN, CLIENT, CLIENT_NAMES, CLIENTS, CLIENTS_BY_NAME, DELETE_CLIENT, EVENTS,
    INSERT_CLIENT, INSERT_KEY, KEY, KEY_IDS, KEYS, KEYS_BY_ID, KEYS_OF, LAST_EVENT, LIVE_KEYS,
    REPLACE_KEY, REVOKE_KEY, SET_ENABLED, SET_ORIGIN, TOTAL_CHANGES,
};
use crate::error::StoreError;
use crate::key::{KeyId, rfc3339};
use crate::manage::ClientInfo;
use crate::store::sql::{
    BadRow, ClientRow, Database, KeyRow, PartialRow, Transaction, metadata_text, not_kept,
    quota_text,
};

/// A transaction of a [`SqliteStore`].
pub(in crate::store) struct SqliteTransaction {
    open: OpenTransaction,
    /// `None` in a transaction that only reads.
    written: Option<Written>,
}

#[derive(Default)]
struct Written {
    /// The last event before the transaction.
    last_event: i64,
    /// The number of written rows.
    rows: u64,
}

impl Database for SqliteStore {
    type Transaction = SqliteTransaction;

    async fn read(&self) -> Result<SqliteTransaction, StoreError> {
        let open = OpenTransaction::reader(self.connections.acquire(Role::Reader).await?).await?;
        Ok(SqliteTransaction { open, written: None })
    }

    async fn write(&self) -> Result<SqliteTransaction, StoreError> {
        let open = self.connections.begin_writing().await?;
        let mut transaction = SqliteTransaction { open, written: None };
        let origin = sqlx::query(SET_ORIGIN)
            .bind(self.actor.as_deref().map(str::to_owned))
            .bind(self.tool.to_string());
        transaction.execute(origin).await?;
        let last_event = transaction.number(sqlx::query(LAST_EVENT)).await?;
        transaction.written = Some(Written { last_event, rows: 0 });
        Ok(transaction)
    }

    fn now(&self) -> SystemTime {
        self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock())
    }
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl SqliteTransaction {
    async fn execute(&mut self, statement: Statement<'_>) -> Result<SqliteQueryResult, StoreError> {
        let connection = self.open.connection();
        let done = statement.execute(connection.sqlite()?).await;
        let done = done.map_err(|error| connection.query_error(error))?;
        if let Some(written) = &mut self.written {
            written.rows += done.rows_affected();
        }
        Ok(done)
    }

    async fn number(&mut self, statement: Statement<'_>) -> Result<i64, StoreError> {
        let row = self.row(statement).await?;
        let number = row.map_or(Ok(0), |row| row.try_get(0));
        number.map_err(|error| self.open.connection().query_error(error))
    }

    async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        let connection = self.open.connection();
        let rows = statement.fetch_all(connection.sqlite()?).await;
        rows.map_err(|error| connection.query_error(error))
    }

    async fn row(&mut self, statement: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        let connection = self.open.connection();
        let row = statement.fetch_optional(connection.sqlite()?).await;
        row.map_err(|error| connection.query_error(error))
    }

    fn count(&mut self, row: &SqliteRow, index: usize) -> Result<usize, StoreError> {
        let count: i64 =
            row.try_get(index).map_err(|error| self.open.connection().query_error(error))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    fn text(&mut self, row: &SqliteRow) -> Result<String, StoreError> {
        row.try_get(0).map_err(|error| self.open.connection().query_error(error))
    }
}

impl Transaction for SqliteTransaction {
    async fn partial_client(
        &mut self,
        name: &str,
    ) -> Result<Option<PartialRow<ClientRow>>, StoreError> {
        let row = self.row(sqlx::query(CLIENT).bind(name.to_owned())).await?;
        Ok(row.map(|row| partial_client(&row)).transpose()?)
    }

    async fn clients_by_name(
        &mut self,
        names: &[&str],
    ) -> Result<Vec<Result<ClientRow, BadRow>>, StoreError> {
        let names = serde_json::Value::from(names).to_string();
        let rows = self.rows(sqlx::query(CLIENTS_BY_NAME).bind(names)).await?;
        Ok(rows.iter().map(|row| client_row(row, 0)).collect())
    }

    async fn client_names(&mut self) -> Result<Vec<String>, StoreError> {
        let rows = self.rows(sqlx::query(CLIENT_NAMES)).await?;
        rows.iter().map(|row| self.text(row)).collect()
    }

    async fn clients(&mut self) -> Result<Vec<Result<ClientInfo, BadRow>>, StoreError> {
        let mut clients = Vec::new();
        for row in self.rows(sqlx::query(CLIENTS)).await? {
            let keys = self.count(&row, 5)?;
            let client = client_row(&row, 0);
            clients.push(client.map(|ClientRow { profile, enabled }| ClientInfo {
                profile,
                enabled,
                keys,
            }));
        }
        Ok(clients)
    }

    async fn live_keys(&mut self, client: &str) -> Result<usize, StoreError> {
        let row = self.row(sqlx::query(LIVE_KEYS).bind(client.to_owned())).await?;
        row.map_or(Ok(0), |row| self.count(&row, 0))
    }

    async fn insert_client(&mut self, client: &ClientRow) -> Result<bool, StoreError> {
        let profile = &client.profile;
        let scopes: Vec<_> = profile.scopes().iter().map(ToString::to_string).collect();
        let statement = sqlx::query(INSERT_CLIENT)
            .bind(profile.name().to_owned())
            .bind(client.enabled)
            .bind(serde_json::Value::from(scopes).to_string())
            .bind(profile.quota().map(quota_text))
            .bind(metadata_text(profile));
        Ok(self.execute(statement).await?.rows_affected() == 1)
    }

    async fn set_enabled(&mut self, name: &str, enabled: bool) -> Result<(), StoreError> {
        let statement = sqlx::query(SET_ENABLED).bind(name.to_owned()).bind(enabled);
        self.execute(statement).await.map(drop)
    }

    async fn delete_client(&mut self, name: &str) -> Result<(), StoreError> {
        self.execute(sqlx::query(DELETE_CLIENT).bind(name.to_owned())).await.map(drop)
    }

    async fn partial_key(
        &mut self,
        key_id: KeyId,
    ) -> Result<Option<PartialRow<KeyRow>>, StoreError> {
        let row = self.row(sqlx::query(KEY).bind(key_id.to_string())).await?;
        Ok(row.map(|row| partial_key(&row)).transpose()?)
    }

    async fn keys_by_id(
        &mut self,
        key_ids: &[KeyId],
    ) -> Result<Vec<Result<KeyRow, BadRow>>, StoreError> {
        let key_ids = key_ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let key_ids = serde_json::Value::from(key_ids).to_string();
        let rows = self.rows(sqlx::query(KEYS_BY_ID).bind(key_ids)).await?;
        Ok(rows.iter().map(key_row).collect())
    }

    async fn key_ids(&mut self, near: KeyId) -> Result<Vec<KeyId>, StoreError> {
        let rows = self.rows(sqlx::query(KEY_IDS).bind(near.to_string())).await?;
        let ids = rows.iter().map(|row| self.text(row)).collect::<Result<Vec<_>, _>>()?;
        // The database computes them from the digests.
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    async fn keys(
        &mut self,
        client: Option<&str>,
    ) -> Result<Vec<Result<KeyRow, BadRow>>, StoreError> {
        let statement = match client {
            Some(client) => sqlx::query(KEYS_OF).bind(client.to_owned()),
            None => sqlx::query(KEYS),
        };
        let rows = self.rows(statement).await?;
        Ok(rows.iter().map(key_row).collect())
    }

    async fn insert_key(&mut self, key: &KeyRow) -> Result<bool, StoreError> {
        let metadata = &key.metadata;
        let statement = sqlx::query(INSERT_KEY)
            .bind(key.digest.to_bytes().to_vec())
            .bind(key.client.clone())
            .bind(metadata.label.as_deref().map(str::to_owned))
            .bind(metadata.created.map(rfc3339::text))
            .bind(key.expires.map(rfc3339::text))
            .bind(metadata.revoked.map(rfc3339::text))
            .bind(metadata.replaced_by.map(|key_id| key_id.to_string()));
        Ok(self.execute(statement).await?.rows_affected() == 1)
    }

    async fn revoke_key(&mut self, key_id: KeyId, revoked: SystemTime) -> Result<(), StoreError> {
        let statement = sqlx::query(REVOKE_KEY).bind(key_id.to_string());
        self.execute(statement.bind(rfc3339::text(revoked))).await.map(drop)
    }

    async fn replace_key(&mut self, key: &KeyRow) -> Result<(), StoreError> {
        let statement = sqlx::query(REPLACE_KEY)
            .bind(key.digest.to_bytes().to_vec())
            .bind(key.expires.map(rfc3339::text))
            .bind(key.metadata.replaced_by.map(|key_id| key_id.to_string()));
        self.execute(statement).await.map(drop)
    }

    async fn foreign_triggers(&mut self) -> Result<Vec<String>, StoreError> {
        foreign_triggers(self.open.connection()).await
    }

    async fn missing_events(&mut self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Triggers of SQLite do not run during the commit, so that nothing is read back after it.
    async fn commit(mut self) -> Result<Option<Self>, StoreError> {
        if let Some(Written { last_event, rows }) = self.written.take() {
            let events = self.number(sqlx::query(EVENTS).bind(last_event)).await?;
            if u64::try_from(events).unwrap_or_default() < rows {
                let found = "the change was not recorded in `keygate_events`".to_owned();
                return Err(not_kept(&mut self, found).await);
            }
            // This runs after the change was read back, so a trigger on it must not change anything else.
            let before = self.number(sqlx::query(TOTAL_CHANGES)).await?;
            self.execute(sqlx::query(CLEAR_ORIGIN)).await?;
            if self.number(sqlx::query(TOTAL_CHANGES)).await? != before + 1 {
                let found = "clearing `keygate_origin` changed something else".to_owned();
                return Err(not_kept(&mut self, found).await);
            }
        }
        self.open.commit().await?;
        Ok(None)
    }
}
