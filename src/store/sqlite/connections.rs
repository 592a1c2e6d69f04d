use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

use super::error::{Access, file_error, io_error, unusable};
use super::open_transaction::OpenTransaction;
use super::options::SqliteOptions;
use super::pool::{Pool, PooledConnection};
use super::{file, tables};
use crate::error::{StoreError, StoreErrorKind};
use crate::store::sql::{DatabaseError, Migrations, retrying_while};

/// The longest wait of a lookup for a commit: committing 100,000 new keys locked readers out for 0.1 s.
/// The authenticator drops a lookup after 1 s; its thread should be free again soon afterwards.
const READER_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest wait of one attempt of a change for a lock. While a commit waits for a reader, no lookup
/// can begin.
const WRITER_TIMEOUT: Duration = Duration::from_millis(30);

/// The maximum cache of a reading connection, in SQLite's notation: a negative number of KiB.
const LARGE_CACHE: &str = "pragma cache_size = -32000";

/// The number of attempts to open the file while it is being replaced.
const ATTEMPTS: usize = 5;

/// The connections to the database file at a path.
pub(super) struct Connections {
    path: PathBuf,
    migrations: Migrations,
    readers: Arc<Pool>,
    /// A single connection, so that changes wait for each other here, and not in threads of SQLite.
    writer: Arc<Pool>,
}

impl Connections {
    pub(super) async fn open(
        options: SqliteOptions,
        migrations: Migrations,
        migrate: bool,
    ) -> Result<Self, DatabaseError> {
        let SqliteOptions { path, max_connections } = options;
        // SQLite parses some relative paths as URLs, and the working folder may change.
        let path = std::path::absolute(&path).map_err(|error| io_error(&path, error))?;
        if path.to_str().is_none() {
            let why = format!("{} is not UTF-8", path.display());
            return Err(DatabaseError::Location { why });
        }
        if migrate {
            file::create(&path)?;
        }
        file::check(&path)?;
        let connections = Self::new(path, migrations, max_connections);
        if migrate {
            let is_busy = |error: &DatabaseError| {
                let DatabaseError::Unavailable(error) = error else { return false };
                error.kind() == StoreErrorKind::Busy
            };
            retrying_while(is_busy, || connections.migrate()).await?;
        }
        connections.acquire(&connections.readers).await?;
        Ok(connections)
    }

    fn new(path: PathBuf, migrations: Migrations, readers: u32) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(READER_TIMEOUT)
            .foreign_keys(true)
            .thread_name(|number| format!("keygate-sqlite-{number}"));
        // `cache_spill`: a change that is too large for the cache would lock out all readers until its commit. `EXTRA`:
        // a revocation that was reported as done must survive a loss of power.
        let writing = options.clone().synchronous(SqliteSynchronous::Extra);
        let writing = writing.pragma("cache_spill", "off").busy_timeout(WRITER_TIMEOUT);
        let readers = Pool::new(&path, Access::Read, options, readers.max(1) as usize);
        let writer = Pool::new(&path, Access::Change, writing, 1);
        Self { path, migrations, readers, writer }
    }

    async fn migrate(&self) -> Result<(), DatabaseError> {
        let mut connection = self.writer.acquire().await?;
        connection.connect().await?;
        tables::migrate(connection, self.migrations).await
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for a reading connection to the current file at the path.
    pub(super) async fn reader(&self) -> Result<PooledConnection, StoreError> {
        self.acquire(&self.readers).await.map_err(|error| unusable(&self.path, error))
    }

    async fn acquire(&self, pool: &Arc<Pool>) -> Result<PooledConnection, DatabaseError> {
        let mut connection = pool.acquire().await?;
        if !connection.is_current().await? {
            connection.connect().await?;
            tables::check(&mut connection, self.migrations).await?;
            // Reads the file, so it must come after the check that reports a missing right.
            connection.run(LARGE_CACHE).await?;
            connection.mark_checked().await?;
        }
        Ok(connection)
    }

    /// Begins a writing transaction on the current file at the path.
    pub(super) async fn begin_writing(&self) -> Result<OpenTransaction, StoreError> {
        for _ in 0..ATTEMPTS {
            let connection = self.acquire(&self.writer).await;
            let connection = connection.map_err(|error| unusable(&self.path, error))?;
            let mut transaction = OpenTransaction::writer(connection).await?;
            // The file may have been replaced while this transaction waited for a lock.
            if transaction.connection().is_current().await? {
                return Ok(transaction);
            }
        }
        Err(file_error(&self.path, "the file is being replaced again and again"))
    }
}
