//! The file `usage.db`.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use sqlx::Sqlite;

use super::SqliteStore;
use super::connections::Connections;
use super::open_transaction::OpenTransaction;
use super::options::SqliteOptions;
use super::transaction::SqliteTransaction;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::sql::{
    Database, DatabaseError, Migration, Migrations, UsageDialect, retrying_while,
};

#[cfg(test)]
mod steps;

const MIGRATIONS: Migrations = Migrations(&[
    Migration { oldest_reader: 1, sql: include_str!("usage/0001.sql") },
    Migration { oldest_reader: 1, sql: include_str!("usage/0002.sql") },
]);

/// The migrations that reading needs. Later ones only add indexes, so a file that no newer service has opened can be
/// read, too.
const TABLES: Migrations = Migrations(MIGRATIONS.0.split_at(1).0);

/// The tables of usage, in a file of their own.
#[derive(Clone)]
pub(crate) struct UsageFile(Arc<Connections>);

impl UsageFile {
    /// Opens the file, and with `migrate` creates it and its tables first.
    pub(in crate::store) async fn open(path: &Path, migrate: bool) -> Result<Self, DatabaseError> {
        if !migrate && matches!(path.try_exists(), Ok(false)) {
            return Err(missing(&format!("the file {} does not exist", path.display())));
        }
        let migrations = if migrate { MIGRATIONS } else { TABLES };
        let connections = Connections::open(SqliteOptions::new(path), migrations, migrate).await;
        // `keygate migrate` would create tables of keys.
        let connections = connections.map_err(|error| match error {
            DatabaseError::NoTables => missing(&format!("{} holds no usage", path.display())),
            error => error,
        })?;
        Ok(Self(Arc::new(connections)))
    }

    pub(in crate::store) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Retries a statement while another process holds a lock.
    pub(in crate::store) async fn retrying<F, T>(
        &self,
        run: impl Fn() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        retrying_while(|error: &StoreError| error.kind() == StoreErrorKind::Busy, run).await
    }
}

fn missing(what: &str) -> DatabaseError {
    let why = format!("{what}: the first service that keeps its usage there creates it");
    DatabaseError::Location { why }
}

impl SqliteStore {
    /// Returns whether a folder is that of the database.
    pub(crate) fn is_in(&self, folder: &Path) -> io::Result<bool> {
        crate::store::usage::is_in(self.connections.path(), folder)
    }
}

impl Database for UsageFile {
    type Transaction = SqliteTransaction;

    async fn read(&self) -> Result<SqliteTransaction, StoreError> {
        let open = OpenTransaction::reader(self.0.reader().await?).await?;
        Ok(SqliteTransaction { open, written: None, is_dry_run: false })
    }

    async fn write(&self) -> Result<SqliteTransaction, StoreError> {
        let open = self.0.begin_writing().await?;
        Ok(SqliteTransaction { open, written: None, is_dry_run: false })
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl UsageDialect for Sqlite {
    const ELEMENTS: &'static str = "json_each($1) e";
    const ELEMENT: &'static str = "e.value";
    /// Only one transaction writes at a time.
    const MAY_ROLL_UP: &'static str = "select 1";

    fn move_rows(table: &str, condition: &str, insert: impl Fn(&str) -> String) -> Vec<String> {
        let from = format!("{table} where {condition}");
        vec![insert(&from), format!("delete from {from}")]
    }
}
