use std::sync::Arc;
use std::time::SystemTime;

use super::connections::Connections;
use super::{SqliteOptions, SqliteStore, inspect, tables};
use crate::manage::ChangeContext;
use crate::store::sql::{DatabaseError, DatabaseFinding};

impl SqliteOptions {
    /// Opens a database whose tables exist: see [`SqliteStore::open`].
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`].
    pub async fn open(self) -> Result<SqliteStore, DatabaseError> {
        open(self, false).await
    }

    /// Creates the file and tables if they are missing, and opens the database: see [`SqliteStore::migrate`].
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::migrate`].
    pub async fn migrate(self) -> Result<SqliteStore, DatabaseError> {
        open(self, true).await
    }

    /// Inspects a database for problems that keep it from being used, or that can hide or rewrite changes.
    ///
    /// Changes nothing. A missing file and missing tables are findings.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn inspect(self) -> Result<Vec<DatabaseFinding>, DatabaseError> {
        inspect::inspect(self).await
    }
}

async fn open(options: SqliteOptions, migrate: bool) -> Result<SqliteStore, DatabaseError> {
    let connections = Connections::open(options, tables::MIGRATIONS, migrate).await?;
    Ok(SqliteStore {
        connections: Arc::new(connections),
        clock: Arc::new(SystemTime::now),
        context: ChangeContext::default(),
        tool: "keygate".into(),
    })
}
