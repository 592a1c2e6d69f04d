use std::fmt;
use std::time::SystemTime;

use super::column::{Table, Value};
use super::columns::{CLIENTS, KEYS};
use super::cursor::{self, Cursor, Dialect, Values};
use super::row::{BadRow, KeyRow, PartialRow};
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::{ChangeContext, ClientFacts, ClientInfo, KeyFacts, Policy, Span};

/// A database of keys, which begins transactions.
pub(in crate::store) trait Database: Sync {
    type Transaction: Transaction;

    /// Begins a transaction that reads one snapshot of the database.
    async fn read(&self) -> Result<Self::Transaction, StoreError>;

    /// Begins a transaction that writes.
    async fn write(&self) -> Result<Self::Transaction, StoreError>;

    /// Begins a transaction that writes and reads the policy.
    async fn write_by_policy(&self) -> Result<Self::Transaction, StoreError> {
        self.write().await
    }

    fn now(&self) -> SystemTime;

    /// Returns who makes the changes, and the version that they are based on.
    fn context(&self) -> &ChangeContext {
        static NONE: ChangeContext = ChangeContext::NONE;
        &NONE
    }
}

/// A row that may be invalid.
type Found<T> = Option<PartialRow<T>>;
/// Rows, or errors for invalid rows, in any order.
pub(super) type Listed<T> = Vec<Result<T, BadRow>>;
type Row<T> = <<T as Transaction>::Dialect as sqlx::Database>::Row;

/// A transaction. The required methods depend on the database; the provided ones are the statements that all databases
/// share. Dropping it before the commit rolls it back.
pub(in crate::store) trait Transaction: Send + Sized {
    type Dialect: Dialect;

    /// Runs a statement that returns rows, with arguments `$1`, `$2`.
    async fn rows(&mut self, sql: &str, values: &[Value<'_>])
    -> Result<Vec<Row<Self>>, StoreError>;

    /// Runs a statement that writes, with arguments `$1`, `$2`.
    async fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError>;

    /// Adds all of these rows. Returns `false` if one of them conflicts or was discarded. If there are other rows, the
    /// transaction must then be dropped.
    async fn insert<T: Sync>(
        &mut self,
        table: &'static Table<T>,
        rows: &[T],
    ) -> Result<bool, StoreError>;

    /// Announces a change of this client, which must be recorded by an event.
    fn note_client(&mut self, _: &str) {}

    /// Announces a change of this key, which must be recorded by an event.
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
    async fn foreign_triggers(&mut self) -> Result<Vec<String>, StoreError>;

    /// Describes changes without events. After a commit, call it on the transaction that the commit returned.
    async fn missing_events(&mut self) -> Result<Option<String>, StoreError>;

    /// Commits the changes, if all of them have events. If foreign triggers may have undone them during the commit,
    /// returns a transaction for reading them.
    async fn commit(self) -> Result<Option<Self>, StoreError>;

    /// Returns the policy, without a further statement if possible.
    async fn policy(&mut self) -> Result<Policy, StoreError> {
        self.read_policy().await
    }

    /// Makes other changes of the policy wait until the end of the transaction. Without a row, [`Transaction::lock`]
    /// would lock nothing.
    async fn lock_policy(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn read_policy(&mut self) -> Result<Policy, StoreError> {
        let sql = format!(
            "{}select max_lifetime, default_lifetime, require_expiry from {}policy",
            self.run_triggers(),
            Self::Dialect::PREFIX
        );
        match self.rows(&sql, &[]).await?.first() {
            None => Ok(Policy::new()),
            Some(row) => policy_of(&mut Cursor::new(row)),
        }
    }

    async fn write_policy(&mut self, policy: Policy) -> Result<(), StoreError> {
        let Policy { max_lifetime, default_lifetime, require_expiry } = policy;
        let span = |span: Option<Span>| Value::Text(span.map(|span| span.to_string().into()));
        let values = [span(max_lifetime), span(default_lifetime), Value::Flag(require_expiry)];
        let sql = format!(
            "insert into {}policy (max_lifetime, default_lifetime, require_expiry) values ($1, $2, $3) \
             on conflict (only_one) do update set \
             max_lifetime = $1, default_lifetime = $2, require_expiry = $3",
            Self::Dialect::PREFIX
        );
        self.execute(&sql, &values).await
    }

    /// Finds a client by name. A transaction that writes also locks the client and its keys.
    async fn partial_client(&mut self, name: &str) -> Result<Found<ClientFacts>, StoreError> {
        let (first, select, lock) = (self.run_triggers(), clients::<Self>(), self.lock());
        let sql = format!("{first}{select} where c.name = $1{lock}");
        let rows = self.rows(&sql, &[name.into()]).await?;
        Ok(rows.first().map(|row| Cursor::new(row).client()).transpose()?)
    }

    async fn clients_by_name(
        &mut self,
        names: Vec<String>,
    ) -> Result<Listed<ClientFacts>, StoreError> {
        let (first, select) = (self.run_triggers(), clients::<Self>());
        let sql = format!("{first}{select} where c.name {}", Self::Dialect::in_list("$1"));
        let rows = self.rows(&sql, &[Value::Texts(names)]).await?;
        Ok(rows.iter().map(|row| Cursor::new(row).client()?.complete()).collect())
    }

    /// Lists the names of clients, up to a limit, to find similar ones.
    async fn client_names(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = format!("select name from {} order by name limit 10000", clients_table::<Self>());
        texts(&self.rows(&sql, &[]).await?)
    }

    /// Lists all clients and their numbers of keys.
    async fn clients(&mut self) -> Result<Listed<ClientInfo>, StoreError> {
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
        self.count(&sql, &[client.into()]).await
    }

    async fn count(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let rows = self.rows(sql, values).await?;
        rows.first().map_or(Ok(0), |row| Cursor::new(row).count()).map_err(StoreError::new)
    }

    /// Deletes the client and, by the foreign key, its keys.
    async fn delete_client(&mut self, name: &str) -> Result<(), StoreError> {
        let keys = format!("select key_id from {} where client = $1", keys_table::<Self>());
        for key_id in texts(&self.rows(&keys, &[name.into()]).await?)? {
            if let Ok(key_id) = key_id.parse() {
                self.note_key(key_id);
            }
        }
        self.note_client(name);
        let sql = format!("delete from {} where name = $1", clients_table::<Self>());
        self.execute(&sql, &[name.into()]).await
    }

    async fn partial_key(&mut self, key_id: KeyId) -> Result<Found<KeyRow>, StoreError> {
        let (first, select) = (self.run_triggers(), cursor::keys::<Self::Dialect>());
        let sql = format!("{first}{select} where k.key_id = $1");
        let rows = self.rows(&sql, &[key_id.into()]).await?;
        Ok(rows.first().map(|row| Cursor::new(row).key()).transpose()?)
    }

    async fn key(&mut self, key_id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        Ok(self.partial_key(key_id).await?.map(PartialRow::complete).transpose()?)
    }

    async fn keys_by_id(&mut self, key_ids: Vec<String>) -> Result<Listed<KeyRow>, StoreError> {
        let (first, select) = (self.run_triggers(), cursor::keys::<Self::Dialect>());
        let sql = format!("{first}{select} where k.key_id {}", Self::Dialect::in_list("$1"));
        let rows = self.rows(&sql, &[Value::Texts(key_ids)]).await?;
        Ok(rows.iter().map(|row| Cursor::new(row).key()?.complete()).collect())
    }

    /// Lists the keys of one client or of all clients.
    async fn keys(&mut self, client: Option<&str>) -> Result<Listed<KeyRow>, StoreError> {
        let select = cursor::keys::<Self::Dialect>();
        let rows = match client {
            None => self.rows(&select, &[]).await?,
            Some(name) => {
                self.rows(&format!("{select} where k.client = $1"), &[name.into()]).await?
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
        let rows = self.rows(&sql, &[near.into()]).await?;
        // The database computes them from the digests.
        Ok(texts(&rows)?.iter().filter_map(|key_id| key_id.parse().ok()).collect())
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
    async fn insert_keys(&mut self, keys: &[KeyFacts]) -> Result<bool, StoreError> {
        for key in keys {
            self.note_key(key.key_id());
        }
        self.insert(&KEYS, keys).await
    }

    /// Updates the columns in which an existing client differs from its row.
    async fn update_client(
        &mut self,
        old: &ClientFacts,
        new: &ClientFacts,
    ) -> Result<(), StoreError> {
        let name = new.profile.name();
        let (columns, values) = differing(&CLIENTS, old, new, name.into());
        if columns.is_empty() {
            return Ok(());
        }
        self.note_client(name);
        let clients = clients_table::<Self>();
        self.execute(&format!("update {clients} set {columns} where name = $1"), &values).await
    }

    /// Updates the columns in which an existing key differs from its row.
    async fn update_key(&mut self, old: &KeyFacts, new: &KeyFacts) -> Result<(), StoreError> {
        let (columns, values) = differing(&KEYS, old, new, new.key_id().into());
        if columns.is_empty() {
            return Ok(());
        }
        self.note_key(new.key_id());
        let keys = keys_table::<Self>();
        self.execute(&format!("update {keys} set {columns} where key_id = $1"), &values).await
    }
}

/// Reads the columns `max_lifetime`, `default_lifetime` and `require_expiry`. Without a row, all are null.
pub(in crate::store) fn policy_of<R: Values>(
    row: &mut Cursor<'_, R>,
) -> Result<Policy, StoreError> {
    let unusable = |why: &dyn fmt::Display| {
        StoreError::new(format!("the row of the policy cannot be used: {why}; correct it by hand"))
    };
    let mut span = || match row.text() {
        Ok(text) => text.map(str::parse::<Span>).transpose().map_err(|error| unusable(&error)),
        Err(error) => Err(unusable(&error)),
    };
    let (max_lifetime, default_lifetime) = (span()?, span()?);
    let require_expiry = row.flag().map_err(|error| unusable(&error))?.unwrap_or_default();
    let policy = Policy { max_lifetime, default_lifetime, require_expiry };
    policy.validate().map_err(|error| unusable(&error))?;
    Ok(policy)
}

/// Returns the assignments of the columns that differ, and the values. The first value identifies the row.
fn differing<'a, T>(
    table: &Table<T>,
    old: &T,
    new: &'a T,
    id: Value<'a>,
) -> (String, Vec<Value<'a>>) {
    let (mut columns, mut values) = (Vec::new(), vec![id]);
    for column in table.columns.iter().filter(|column| column.differs(old, new)) {
        values.push(column.value(new));
        columns.push(format!("{} = ${}", column.name, values.len()));
    }
    (columns.join(", "), values)
}

fn clients<T: Transaction>() -> String {
    let columns = cursor::client_columns::<T::Dialect>();
    format!("select {columns} from {} c", clients_table::<T>())
}

fn clients_table<T: Transaction>() -> String {
    cursor::clients_table::<T::Dialect>()
}

fn keys_table<T: Transaction>() -> String {
    cursor::keys_table::<T::Dialect>()
}

/// Reads rows with one text each.
fn texts<R: Values>(rows: &[R]) -> Result<Vec<String>, StoreError> {
    let text = |row| Cursor::new(row).text().map(|text| text.unwrap_or_default().to_owned());
    rows.iter().map(text).collect::<Result<_, _>>().map_err(StoreError::new)
}
