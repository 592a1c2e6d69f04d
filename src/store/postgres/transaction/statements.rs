//! The statements of transactions.

use std::time::SystemTime;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use tokio::time::timeout;

use super::{
    BEGIN_READ, NO_EVENT, PostgresTransaction, STATEMENT_DEADLINE, begin, completed, count, literal,
};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::ClientInfo;
use crate::store::postgres::columns::{
    Micros, client_columns, client_row, key_columns, key_row, partial_client, partial_key,
};
use crate::store::postgres::error::unavailable;
use crate::store::postgres::inspect;
use crate::store::sql::{
    BadRow, ClientRow, KeyRow, PartialRow, Transaction, metadata_text, not_read_back, quota_text,
};

/// The number of rows per statement: few round trips, and statements of some megabytes.
const BATCH: usize = 5_000;

impl Transaction for PostgresTransaction {
    async fn partial_client(
        &mut self,
        name: &str,
    ) -> Result<Option<PartialRow<ClientRow>>, StoreError> {
        // The server refuses texts with a zero byte.
        if name.contains('\0') {
            return Ok(None);
        }
        let select =
            concat!("select ", client_columns!(), " from keygate.clients c where c.name = ");
        let lock = if self.writes { " for update" } else { "" };
        let row = self.plain_row(&format!("{select}{}{lock}", literal(name))).await?;
        Ok(row.map(|row| partial_client(&row)).transpose()?)
    }

    async fn clients_by_name(
        &mut self,
        names: &[&str],
    ) -> Result<Vec<Result<ClientRow, BadRow>>, StoreError> {
        let select =
            concat!("select ", client_columns!(), " from keygate.clients c where c.name = any($1)");
        let rows = self.written_rows(sqlx::query(select).bind(names)).await?;
        Ok(rows.iter().map(|row| client_row(row, 0)).collect())
    }

    async fn client_names(&mut self) -> Result<Vec<String>, StoreError> {
        let select = "select name from keygate.clients order by name limit 10000";
        let rows = self.rows(sqlx::query(select)).await?;
        rows.iter().map(|row| row.try_get(0).map_err(unavailable)).collect()
    }

    async fn clients(&mut self) -> Result<Vec<Result<ClientInfo, BadRow>>, StoreError> {
        let select = concat!(
            "select ",
            client_columns!(),
            ", coalesce(k.live, 0) from keygate.clients c left join \
             (select client, count(*) as live from keygate.keys where revoked is null group by client) k \
             on k.client = c.name"
        );
        let rows = self.rows(sqlx::query(select)).await?;
        let info = |row: &PgRow| {
            let keys = count(row, 5)?;
            let client = client_row(row, 0);
            Ok(client.map(|ClientRow { profile, enabled }| ClientInfo { profile, enabled, keys }))
        };
        rows.iter().map(info).collect()
    }

    async fn live_keys(&mut self, client: &str) -> Result<usize, StoreError> {
        let select = "select count(*) from keygate.keys where client = $1 and revoked is null";
        let row = self.row(sqlx::query(select).bind(client)).await?;
        row.map_or(Ok(0), |row| count(&row, 0))
    }

    async fn insert_client(&mut self, client: &ClientRow) -> Result<bool, StoreError> {
        let insert = "insert into keygate.clients (name, enabled, scopes, quota, metadata) \
                      values ($1, $2, $3, $4::jsonb, $5::jsonb) on conflict do nothing";
        let profile = &client.profile;
        self.written.clients.push(profile.name().to_owned());
        let scopes = profile.scopes().iter().map(ToString::to_string).collect::<Vec<_>>();
        let statement = sqlx::query(insert).bind(profile.name()).bind(client.enabled).bind(scopes);
        let statement =
            statement.bind(profile.quota().map(quota_text)).bind(metadata_text(profile));
        Ok(self.execute(statement).await? == 1)
    }

    async fn set_enabled(&mut self, name: &str, enabled: bool) -> Result<(), StoreError> {
        self.written.clients.push(name.to_owned());
        let update = "update keygate.clients set enabled = $2 where name = $1";
        self.execute(sqlx::query(update).bind(name).bind(enabled)).await.map(drop)
    }

    async fn delete_client(&mut self, name: &str) -> Result<(), StoreError> {
        // The foreign key deletes them with the client.
        let keys = "select key_id from keygate.keys where client = $1";
        let rows = self.rows(sqlx::query(keys).bind(name)).await?;
        self.written.keys.extend(rows.iter().filter_map(key_id));
        self.written.clients.push(name.to_owned());
        let delete = "delete from keygate.clients where name = $1";
        self.execute(sqlx::query(delete).bind(name)).await.map(drop)
    }

    async fn partial_key(
        &mut self,
        key_id: KeyId,
    ) -> Result<Option<PartialRow<KeyRow>>, StoreError> {
        let select = concat!(
            "select ",
            key_columns!(),
            " from keygate.keys k left join keygate.clients c on c.name = k.client where k.key_id = "
        );
        let row = self.plain_row(&format!("{select}'{key_id}'")).await?;
        Ok(row.map(|row| partial_key(&row, 0)).transpose()?)
    }

    async fn keys_by_id(
        &mut self,
        key_ids: &[KeyId],
    ) -> Result<Vec<Result<KeyRow, BadRow>>, StoreError> {
        let select = concat!(
            "select ",
            key_columns!(),
            " from keygate.keys k left join keygate.clients c on c.name = k.client \
             where k.key_id = any($1)"
        );
        let key_ids = key_ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let rows = self.written_rows(sqlx::query(select).bind(key_ids)).await?;
        Ok(rows.iter().map(|row| key_row(row, 0)).collect())
    }

    async fn key_ids(&mut self, near: KeyId) -> Result<Vec<KeyId>, StoreError> {
        // Comparing 100,000 ids takes about 50 ms.
        let select = "(select key_id from keygate.keys where key_id >= $1 \
                      order by key_id limit 50000) union all \
                      (select key_id from keygate.keys where key_id < $1 \
                      order by key_id desc limit 50000)";
        let rows = self.rows(sqlx::query(select).bind(near.to_string())).await?;
        Ok(rows.iter().filter_map(key_id).collect())
    }

    async fn keys(
        &mut self,
        client: Option<&str>,
    ) -> Result<Vec<Result<KeyRow, BadRow>>, StoreError> {
        let all = concat!(
            "select ",
            key_columns!(),
            " from keygate.keys k left join keygate.clients c on c.name = k.client"
        );
        let of_client = concat!(
            "select ",
            key_columns!(),
            " from keygate.keys k left join keygate.clients c on c.name = k.client where k.client = $1"
        );
        let statement = match client {
            Some(client) => sqlx::query(of_client).bind(client),
            None => sqlx::query(all),
        };
        let rows = self.rows(statement).await?;
        Ok(rows.iter().map(|row| key_row(row, 0)).collect())
    }

    async fn insert_key(&mut self, key: &KeyRow) -> Result<bool, StoreError> {
        let insert = "insert into keygate.keys \
                      (digest, client, label, created, expires, revoked, replaced_by) \
                      values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
        self.written.keys.push(key.key_id());
        let (digest, metadata) = (key.digest.to_bytes(), &key.metadata);
        let statement = sqlx::query(insert).bind(&digest[..]).bind(&key.client);
        let statement =
            statement.bind(metadata.label.as_deref()).bind(metadata.created.map(Micros::from));
        let statement = statement.bind(key.expires.map(Micros::from));
        let statement = statement.bind(metadata.revoked.map(Micros::from));
        let statement = statement.bind(metadata.replaced_by.map(|key_id| key_id.to_string()));
        Ok(self.execute(statement).await? == 1)
    }

    async fn insert_clients(&mut self, clients: &[ClientRow]) -> Result<bool, StoreError> {
        // Scopes contain no blanks. PostgreSQL has no arrays of arrays of different lengths.
        let insert = "insert into keygate.clients (name, enabled, scopes, quota, metadata) \
                      select name, enabled, string_to_array(scopes, ' '), quota::jsonb, metadata::jsonb \
                      from unnest($1::text[], $2::bool[], $3::text[], $4::text[], $5::text[]) \
                      as new (name, enabled, scopes, quota, metadata) on conflict do nothing";
        for clients in clients.chunks(BATCH) {
            let profiles = || clients.iter().map(|client| &client.profile);
            self.written.clients.extend(profiles().map(|profile| profile.name().to_owned()));
            let scopes = profiles().map(|profile| {
                let scopes = profile.scopes().iter().map(ToString::to_string);
                scopes.collect::<Vec<_>>().join(" ")
            });
            let statement = sqlx::query(insert)
                .bind(profiles().map(ClientProfile::name).collect::<Vec<_>>())
                .bind(clients.iter().map(|client| client.enabled).collect::<Vec<_>>())
                .bind(scopes.collect::<Vec<_>>())
                .bind(profiles().map(|profile| profile.quota().map(quota_text)).collect::<Vec<_>>())
                .bind(profiles().map(metadata_text).collect::<Vec<_>>());
            if self.execute(statement).await? != clients.len() as u64 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn insert_keys(&mut self, keys: &[KeyRow]) -> Result<bool, StoreError> {
        let insert = "insert into keygate.keys \
                      (digest, client, label, created, expires, revoked, replaced_by) \
                      select * from unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[], \
                      $5::timestamptz[], $6::timestamptz[], $7::text[]) on conflict do nothing";
        for keys in keys.chunks(BATCH) {
            self.written.keys.extend(keys.iter().map(KeyRow::key_id));
            let metadata = || keys.iter().map(|key| &key.metadata);
            let time = |time: Option<SystemTime>| time.map(Micros::from);
            let statement = sqlx::query(insert)
                .bind(keys.iter().map(|key| key.digest.to_bytes().to_vec()).collect::<Vec<_>>())
                .bind(keys.iter().map(|key| key.client.as_str()).collect::<Vec<_>>())
                .bind(metadata().map(|metadata| metadata.label.as_deref()).collect::<Vec<_>>())
                .bind(metadata().map(|metadata| time(metadata.created)).collect::<Vec<_>>())
                .bind(keys.iter().map(|key| time(key.expires)).collect::<Vec<_>>())
                .bind(metadata().map(|metadata| time(metadata.revoked)).collect::<Vec<_>>())
                .bind(
                    metadata()
                        .map(|metadata| metadata.replaced_by.map(|id| id.to_string()))
                        .collect::<Vec<_>>(),
                );
            if self.execute(statement).await? != keys.len() as u64 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn revoke_key(&mut self, key_id: KeyId, revoked: SystemTime) -> Result<(), StoreError> {
        self.written.keys.push(key_id);
        let update = "update keygate.keys set revoked = $2 where key_id = $1";
        let statement = sqlx::query(update).bind(key_id.to_string());
        self.execute(statement.bind(Micros::from(revoked))).await.map(drop)
    }

    async fn replace_key(&mut self, key: &KeyRow) -> Result<(), StoreError> {
        self.written.keys.push(key.key_id());
        let update = "update keygate.keys set expires = $2, replaced_by = $3 where digest = $1";
        let (digest, successor) = (key.digest.to_bytes(), key.metadata.replaced_by);
        let statement = sqlx::query(update).bind(&digest[..]).bind(key.expires.map(Micros::from));
        let statement = statement.bind(successor.map(|key_id| key_id.to_string()));
        self.execute(statement).await.map(drop)
    }

    async fn foreign_triggers(&mut self) -> Result<Vec<String>, StoreError> {
        let triggers =
            timeout(STATEMENT_DEADLINE, inspect::foreign_triggers(&mut self.connection)).await;
        completed(&mut self.connection, triggers).await
    }

    async fn missing_events(&mut self) -> Result<Option<String>, StoreError> {
        let sql = self.written.without_event();
        let row = self.plain_row(&sql).await?;
        let missing = row.map_or(Ok(0), |row| count(&row, 0))?;
        Ok((missing > 0).then(|| NO_EVENT.to_owned()))
    }

    async fn commit(mut self) -> Result<Option<Self>, StoreError> {
        let may_be_undone = self.writes && !self.written.is_empty() && self.check_events().await?;
        self.end().await?;
        if !may_be_undone {
            self.connection.release();
            return Ok(None);
        }
        begin(&mut self.connection, &self.server, BEGIN_READ, "").await.map_err(not_read_back)?;
        Ok(Some(Self { writes: false, ..self }))
    }
}

/// Returns `None` for an invalid id.
fn key_id(row: &PgRow) -> Option<KeyId> {
    row.try_get::<&str, _>(0).ok()?.parse().ok()
}
