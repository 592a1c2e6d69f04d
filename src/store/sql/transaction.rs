use std::future::Future;
use std::slice;
use std::time::SystemTime;

use super::columns::{CLIENTS, KEYS, Table};
use super::cursor::{self, Cursor, Dialect};
use super::row::{BadRow, KeyRow, PartialRow};
use crate::error::StoreError;
use crate::key::{KeyId, Timestamp};
use crate::manage::{ClientFacts, ClientInfo};

/// A database of keys, which begins transactions.
pub(in crate::store) trait Database: Sync {
    type Transaction: Transaction;

    /// Begins a transaction that reads one state of the database.
    fn read(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    /// Begins a transaction that writes.
    fn write(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    fn now(&self) -> SystemTime;
}

/// An argument of a statement.
#[derive(Clone, Copy)]
pub(in crate::store) enum Argument<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Flag(bool),
    Time(Option<Timestamp>),
}

/// A transaction of one database, and the statements of all. Dropping it before the commit rolls it back.
pub(in crate::store) trait Transaction: Send + Sized {
    type Dialect: Dialect;

    /// Runs a statement that reads, with arguments `$1`, `$2`.
    fn rows(
        &mut self,
        sql: &str,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Vec<Row<Self>>, StoreError>> + Send;

    /// Runs a statement that writes, with arguments `$1`, `$2`.
    fn execute(
        &mut self,
        sql: &str,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds all of these rows. Returns `false` if one of them is in use or was discarded: unless it is the
    /// only one, the transaction must then be dropped.
    fn insert<T: Sync>(
        &mut self,
        table: &'static Table<T>,
        rows: &[T],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes, before a change, that it needs an event for this client.
    fn note_client(&mut self, _: &str) {}

    /// Notes, before a change, that it needs an event for this key.
    fn note_key(&mut self, _: KeyId) {}

    /// The beginning of a statement that may read a change back.
    fn run_triggers(&self) -> &'static str {
        ""
    }

    /// The end of a statement that locks the row that it reads.
    fn lock(&self) -> &'static str {
        ""
    }

    /// Describes the triggers and rules on the tables that are not keygate's.
    fn foreign_triggers(&mut self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Describes changes without events. For the transaction that a commit returned: of the committed changes.
    fn missing_events(&mut self)
    -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Commits the changes, if all of them have events. If triggers of others may have undone them
    /// during the commit, returns a transaction that reads.
    fn commit(self) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send;

    /// Finds a client by name. A transaction that writes also locks the client and its keys.
    async fn partial_client(
        &mut self,
        name: &str,
    ) -> Result<Option<PartialRow<ClientFacts>>, StoreError> {
        let (first, select, lock) = (self.run_triggers(), clients::<Self>(), self.lock());
        let sql = format!("{first}{select} where c.name = $1{lock}");
        let rows = self.rows(&sql, &[Argument::Text(name)]).await?;
        Ok(rows.first().map(|row| Cursor::new(row).client()).transpose()?)
    }

    /// Finds clients by name, in any order.
    async fn clients_by_name(
        &mut self,
        names: &[&str],
    ) -> Result<Vec<Result<ClientFacts, BadRow>>, StoreError> {
        let (first, select) = (self.run_triggers(), clients::<Self>());
        let sql = format!("{first}{select} where c.name {}", Self::Dialect::IN_LIST);
        let rows = self.rows(&sql, &[Argument::Texts(names)]).await?;
        Ok(rows.iter().map(|row| Cursor::new(row).client()?.complete()).collect())
    }

    /// Lists the names of clients, up to a limit, to find similar ones.
    async fn client_names(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = format!("select name from {} order by name limit 10000", clients_table::<Self>());
        texts(&self.rows(&sql, &[]).await?)
    }

    /// Lists all clients and their numbers of keys, in any order.
    async fn clients(&mut self) -> Result<Vec<Result<ClientInfo, BadRow>>, StoreError> {
        let sql = format!(
            "select {}, k.live from {} c left join \
             (select client, count(*) as live from {} where revoked is null group by client) k \
             on k.client = c.name",
            cursor::client_columns::<Self::Dialect>(),
            clients_table::<Self>(),
            keys_table::<Self>(),
        );
        let info = |row: &Row<Self>| {
            let mut cursor = Cursor::new(row);
            let client = cursor.client().and_then(PartialRow::complete);
            let keys = cursor.count().map_err(StoreError::new)?;
            Ok(client.map(|client| client.info(keys)))
        };
        self.rows(&sql, &[]).await?.iter().map(info).collect()
    }

    /// Counts the keys of a client that are not revoked.
    async fn live_keys(&mut self, client: &str) -> Result<usize, StoreError> {
        let keys = keys_table::<Self>();
        let sql = format!("select count(*) from {keys} where client = $1 and revoked is null");
        self.count(&sql, &[Argument::Text(client)]).await
    }

    async fn count(&mut self, sql: &str, arguments: &[Argument<'_>]) -> Result<usize, StoreError> {
        let rows = self.rows(sql, arguments).await?;
        rows.first().map_or(Ok(0), |row| Cursor::new(row).count()).map_err(StoreError::new)
    }

    async fn set_enabled(&mut self, name: &str, enabled: bool) -> Result<(), StoreError> {
        self.note_client(name);
        let sql = format!("update {} set enabled = $2 where name = $1", clients_table::<Self>());
        self.execute(&sql, &[Argument::Text(name), Argument::Flag(enabled)]).await
    }

    /// Deletes the client and, by the foreign key, its keys.
    async fn delete_client(&mut self, name: &str) -> Result<(), StoreError> {
        let keys = format!("select key_id from {} where client = $1", keys_table::<Self>());
        for key_id in texts(&self.rows(&keys, &[Argument::Text(name)]).await?)? {
            if let Ok(key_id) = key_id.parse() {
                self.note_key(key_id);
            }
        }
        self.note_client(name);
        let sql = format!("delete from {} where name = $1", clients_table::<Self>());
        self.execute(&sql, &[Argument::Text(name)]).await
    }

    /// Finds a key by its id.
    async fn partial_key(
        &mut self,
        key_id: KeyId,
    ) -> Result<Option<PartialRow<KeyRow>>, StoreError> {
        let (first, select) = (self.run_triggers(), cursor::keys::<Self::Dialect>());
        let sql = format!("{first}{select} where k.key_id = $1");
        let rows = self.rows(&sql, &[Argument::Text(&key_id.to_string())]).await?;
        Ok(rows.first().map(|row| Cursor::new(row).key()).transpose()?)
    }

    async fn key(&mut self, key_id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        Ok(self.partial_key(key_id).await?.map(PartialRow::complete).transpose()?)
    }

    /// Finds keys by their ids, in any order.
    async fn keys_by_id(
        &mut self,
        key_ids: &[KeyId],
    ) -> Result<Vec<Result<KeyRow, BadRow>>, StoreError> {
        let key_ids = key_ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let key_ids = key_ids.iter().map(String::as_str).collect::<Vec<_>>();
        let (first, select) = (self.run_triggers(), cursor::keys::<Self::Dialect>());
        let sql = format!("{first}{select} where k.key_id {}", Self::Dialect::IN_LIST);
        let rows = self.rows(&sql, &[Argument::Texts(&key_ids)]).await?;
        Ok(rows.iter().map(|row| Cursor::new(row).key()?.complete()).collect())
    }

    /// Lists the keys of one client or of all clients, in any order.
    async fn keys(
        &mut self,
        client: Option<&str>,
    ) -> Result<Vec<Result<KeyRow, BadRow>>, StoreError> {
        let select = cursor::keys::<Self::Dialect>();
        let rows = match client {
            None => self.rows(&select, &[]).await?,
            Some(name) => {
                let sql = format!("{select} where k.client = $1");
                self.rows(&sql, &[Argument::Text(name)]).await?
            }
        };
        Ok(rows.iter().map(|row| Cursor::new(row).key()?.complete()).collect())
    }

    /// Lists the nearest ids in sort order, up to a limit, to find similar ones.
    async fn key_ids(&mut self, near: KeyId) -> Result<Vec<KeyId>, StoreError> {
        // Comparing 100,000 ids takes about 50 ms.
        let sql = format!(
            "select * from (select key_id from {0} where key_id >= $1 order by key_id limit 50000) a \
             union all select * from \
             (select key_id from {0} where key_id < $1 order by key_id desc limit 50000) b",
            keys_table::<Self>()
        );
        let rows = self.rows(&sql, &[Argument::Text(&near.to_string())]).await?;
        // The database computes them from the digests.
        Ok(texts(&rows)?.iter().filter_map(|key_id| key_id.parse().ok()).collect())
    }

    /// Adds a client. Returns `false` if its name is in use.
    async fn insert_client(&mut self, client: &ClientFacts) -> Result<bool, StoreError> {
        self.insert_clients(slice::from_ref(client)).await
    }

    /// Adds a key. Returns `false` if its digest or its id is in use.
    async fn insert_key(&mut self, key: &KeyRow) -> Result<bool, StoreError> {
        self.insert_keys(slice::from_ref(key)).await
    }

    /// Adds all of these clients, as [`Transaction::insert`] does.
    async fn insert_clients(&mut self, clients: &[ClientFacts]) -> Result<bool, StoreError> {
        for client in clients {
            self.note_client(client.profile.name());
        }
        self.insert(&CLIENTS, clients).await
    }

    /// Adds all of these keys, as [`Transaction::insert`] does. Their clients must exist. A key may be
    /// revoked or have a successor.
    async fn insert_keys(&mut self, keys: &[KeyRow]) -> Result<bool, StoreError> {
        for key in keys {
            self.note_key(key.key_id());
        }
        self.insert(&KEYS, keys).await
    }

    /// Writes the time of the revocation of an existing key.
    async fn revoke_key(&mut self, key: &KeyRow) -> Result<(), StoreError> {
        self.note_key(key.key_id());
        let sql = format!("update {} set revoked = $2 where key_id = $1", keys_table::<Self>());
        let key_id = key.key_id().to_string();
        self.execute(&sql, &[Argument::Text(&key_id), Argument::Time(key.facts.revoked)]).await
    }

    /// Writes the expiry and the successor of an existing key.
    async fn replace_key(&mut self, key: &KeyRow, successor: KeyId) -> Result<(), StoreError> {
        self.note_key(key.key_id());
        let sql = format!(
            "update {} set replaced_by = $2, expires = $3 where key_id = $1",
            keys_table::<Self>()
        );
        let [key_id, successor] = [key.key_id(), successor].map(|key_id| key_id.to_string());
        let arguments = [
            Argument::Text(&key_id),
            Argument::Text(&successor),
            Argument::Time(key.facts.lifetime.expires),
        ];
        self.execute(&sql, &arguments).await
    }
}

type Row<T> = <<T as Transaction>::Dialect as sqlx::Database>::Row;

fn clients<T: Transaction>() -> String {
    let columns = cursor::client_columns::<T::Dialect>();
    format!("select {columns} from {} c", clients_table::<T>())
}

fn clients_table<T: Transaction>() -> String {
    cursor::table::<T::Dialect, _>(&CLIENTS)
}

fn keys_table<T: Transaction>() -> String {
    cursor::table::<T::Dialect, _>(&KEYS)
}

/// Reads rows of one text.
fn texts<R: super::cursor::Values>(rows: &[R]) -> Result<Vec<String>, StoreError> {
    let text = |row| Cursor::new(row).text().map(|text| text.unwrap_or_default().to_owned());
    rows.iter().map(text).collect::<Result<_, _>>().map_err(StoreError::new)
}
