use std::time::SystemTime;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow};
use sqlx::{Row as _, Sqlite};

use super::SqliteStore;
use super::columns::{client_columns, client_row, found_client, found_key, key_columns, key_row};
use super::connections::Role;
use super::error::is_busy;
use super::inspect::foreign_triggers;
use super::open_transaction::OpenTransaction;
use crate::error::StoreError;
use crate::key::{KeyId, rfc3339};
use crate::manage::ClientInfo;
use crate::store::sql::{
    BadRow, ClientRow, Database, Found, KeyRow, Transaction, metadata_text, not_kept, quota_text,
};

/// A transaction on the file of a store.
pub(in crate::store) struct SqliteTransaction {
    begun: OpenTransaction,
    /// Of a transaction that writes: its last event so far, and how many rows were written.
    written: Option<Written>,
}

#[derive(Default)]
struct Written {
    last_event: i64,
    rows: u64,
}

impl Database for SqliteStore {
    type Transaction = SqliteTransaction;

    async fn read(&self) -> Result<SqliteTransaction, StoreError> {
        let begun = OpenTransaction::reader(self.connections.lease(Role::Reader).await?).await?;
        Ok(SqliteTransaction { begun, written: None })
    }

    async fn write(&self) -> Result<SqliteTransaction, StoreError> {
        let begun = self.connections.begin_writing().await?;
        let mut transaction = SqliteTransaction { begun, written: None };
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

    fn is_busy(&self, error: &StoreError) -> bool {
        is_busy(error)
    }
}

const SET_ORIGIN: &str =
    "insert or replace into keygate_origin (only_one, actor, tool) values (1, ?1, ?2)";
/// The rows changed by this connection, those changed by triggers included.
const TOTAL_CHANGES: &str = "select total_changes()";
const CLEAR_ORIGIN: &str = "delete from keygate_origin";

const LAST_EVENT: &str = "select coalesce(max(seq), 0) from keygate_events";
const EVENTS: &str = "select count(*) from keygate_events where seq > ?1";

const CLIENT: &str =
    concat!("select ", client_columns!(), " from keygate_clients c where c.name = ?1");
const CLIENTS_NAMED: &str = concat!(
    "select ",
    client_columns!(),
    " from keygate_clients c where c.name in (select value from json_each(?1))"
);
const CLIENT_NAMES: &str = "select name from keygate_clients limit 10000";
const CLIENTS: &str = concat!(
    "select ",
    client_columns!(),
    ", count(k.digest) from keygate_clients c \
     left join keygate_keys k on k.client = c.name and k.revoked is null \
     group by c.name"
);
const LIVE_KEYS: &str = "select count(*) from keygate_keys where client = ?1 and revoked is null";
const INSERT_CLIENT: &str = "insert into keygate_clients (name, enabled, scopes, quota, metadata) \
     values (?1, ?2, ?3, ?4, ?5) on conflict do nothing";
const SET_ENABLED: &str = "update keygate_clients set enabled = ?2 where name = ?1";
const DELETE_CLIENT: &str = "delete from keygate_clients where name = ?1";
const KEY: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client where k.key_id = ?1"
);
const KEYS_WITH: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client \
     where k.key_id in (select value from json_each(?1))"
);
/// It takes about 50 ms to compare so many.
const KEY_IDS: &str = "select * from (select key_id from keygate_keys where key_id >= ?1 \
     order by key_id limit 50000) union all \
     select * from (select key_id from keygate_keys where key_id < ?1 \
     order by key_id desc limit 50000)";
const KEYS: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client"
);
const KEYS_OF: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client where k.client = ?1"
);
const INSERT_KEY: &str = "insert into keygate_keys (digest, client, label, created, expires, revoked, replaced_by) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict do nothing";
const REVOKE_KEY: &str = "update keygate_keys set revoked = ?2 where key_id = ?1";
const REPLACE_KEY: &str =
    "update keygate_keys set expires = ?2, replaced_by = ?3 where digest = ?1";

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl SqliteTransaction {
    async fn execute(&mut self, statement: Statement<'_>) -> Result<SqliteQueryResult, StoreError> {
        let lease = self.begun.lease();
        let done = statement.execute(lease.connection()?).await;
        let done = done.map_err(|error| lease.fault(error))?;
        if let Some(written) = &mut self.written {
            written.rows += done.rows_affected();
        }
        Ok(done)
    }

    async fn number(&mut self, statement: Statement<'_>) -> Result<i64, StoreError> {
        let row = self.row(statement).await?;
        let number = row.map_or(Ok(0), |row| row.try_get(0));
        number.map_err(|error| self.begun.lease().fault(error))
    }

    async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        let lease = self.begun.lease();
        let rows = statement.fetch_all(lease.connection()?).await;
        rows.map_err(|error| lease.fault(error))
    }

    async fn row(&mut self, statement: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        let lease = self.begun.lease();
        let row = statement.fetch_optional(lease.connection()?).await;
        row.map_err(|error| lease.fault(error))
    }

    fn count(&mut self, row: &SqliteRow, index: usize) -> Result<usize, StoreError> {
        let count: i64 = row.try_get(index).map_err(|error| self.begun.lease().fault(error))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    fn text(&mut self, row: &SqliteRow) -> Result<String, StoreError> {
        row.try_get(0).map_err(|error| self.begun.lease().fault(error))
    }
}

impl Transaction for SqliteTransaction {
    async fn found_client(&mut self, name: &str) -> Result<Option<Found<ClientRow>>, StoreError> {
        let row = self.row(sqlx::query(CLIENT).bind(name.to_owned())).await?;
        Ok(row.map(|row| found_client(&row)).transpose()?)
    }

    async fn clients_named(
        &mut self,
        names: &[&str],
    ) -> Result<Vec<Result<ClientRow, BadRow>>, StoreError> {
        let names = serde_json::Value::from(names).to_string();
        let rows = self.rows(sqlx::query(CLIENTS_NAMED).bind(names)).await?;
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

    async fn found_key(&mut self, key_id: KeyId) -> Result<Option<Found<KeyRow>>, StoreError> {
        let row = self.row(sqlx::query(KEY).bind(key_id.to_string())).await?;
        Ok(row.map(|row| found_key(&row)).transpose()?)
    }

    async fn keys_with(
        &mut self,
        key_ids: &[KeyId],
    ) -> Result<Vec<Result<KeyRow, BadRow>>, StoreError> {
        let key_ids = key_ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let key_ids = serde_json::Value::from(key_ids).to_string();
        let rows = self.rows(sqlx::query(KEYS_WITH).bind(key_ids)).await?;
        Ok(rows.iter().map(key_row).collect())
    }

    async fn key_ids(&mut self, near: KeyId) -> Result<Vec<KeyId>, StoreError> {
        let rows = self.rows(sqlx::query(KEY_IDS).bind(near.to_string())).await?;
        let ids = rows.iter().map(|row| self.text(row)).collect::<Result<Vec<_>, _>>()?;
        // The database makes them of the digests.
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
        let notes = &key.notes;
        let statement = sqlx::query(INSERT_KEY)
            .bind(key.digest.to_bytes().to_vec())
            .bind(key.client.clone())
            .bind(notes.label.as_deref().map(str::to_owned))
            .bind(notes.created.map(rfc3339::text))
            .bind(key.expires.map(rfc3339::text))
            .bind(notes.revoked.map(rfc3339::text))
            .bind(notes.replaced_by.map(|key_id| key_id.to_string()));
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
            .bind(key.notes.replaced_by.map(|key_id| key_id.to_string()));
        self.execute(statement).await.map(drop)
    }

    async fn foreign_triggers(&mut self) -> Result<Vec<String>, StoreError> {
        foreign_triggers(self.begun.lease()).await
    }

    /// Triggers of SQLite do not run during the commit.
    async fn commit(mut self) -> Result<Option<Self>, StoreError> {
        if let Some(Written { last_event, rows }) = self.written.take() {
            let events = self.number(sqlx::query(EVENTS).bind(last_event)).await?;
            if u64::try_from(events).unwrap_or_default() < rows {
                let found = "the change was not noted in `keygate_events`".to_owned();
                return Err(not_kept(&mut self, found).await);
            }
            // It comes after the change was read back, so it must not change anything else by a trigger.
            let before = self.number(sqlx::query(TOTAL_CHANGES)).await?;
            self.execute(sqlx::query(CLEAR_ORIGIN)).await?;
            if self.number(sqlx::query(TOTAL_CHANGES)).await? != before + 1 {
                let found = "clearing `keygate_origin` changed something else".to_owned();
                return Err(not_kept(&mut self, found).await);
            }
        }
        self.begun.commit().await?;
        Ok(None)
    }
}
