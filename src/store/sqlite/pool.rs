use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Access, file_error, query_error, read_error};
use super::file::{self, Stamp};
use crate::error::{StoreError, StoreErrorKind};

/// Idle connections of one kind, and permits for the ones in use.
pub(super) struct Pool {
    path: PathBuf,
    access: Access,
    options: SqliteConnectOptions,
    idle: Mutex<Vec<OpenConnection>>,
    permits: Arc<Semaphore>,
}

/// Exclusive use of a connection, which returns to the pool when this is dropped.
///
/// A dropped query does not harm the connection: its thread finishes that query before the next one.
pub(super) struct PooledConnection {
    open: Option<OpenConnection>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

struct OpenConnection {
    sqlite: SqliteConnection,
    stamp: Stamp,
    /// SQLite's `data_version` at the time of the stamp; `None` until the tables were checked.
    version: Option<i64>,
}

impl Pool {
    pub(super) fn new(
        path: &Path,
        access: Access,
        options: SqliteConnectOptions,
        size: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            path: path.to_owned(),
            access,
            options: options.disable_statement_logging(),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(size)),
        })
    }

    /// Waits for a permit, and takes an idle connection if there is one.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<PooledConnection, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| file_error(&self.path, "the store is closed"))?;
        let open = self.lock().pop();
        Ok(PooledConnection { open, pool: Arc::clone(self), _permit: permit })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OpenConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PooledConnection {
    pub(super) fn sqlite(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let path = &self.pool.path;
        let sqlite = self.open.as_mut().map(|open| &mut open.sqlite);
        sqlite.ok_or_else(|| file_error(path, "the connection is closed"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.pool.path
    }

    /// Returns whether the connection reads the current file at the path; closes it if not.
    ///
    /// SQLite caches pages, and reads them again only after a commit. Copying a backup over the file is not a commit,
    /// and a handle that is open keeps its rights. So a file that changed without a commit is opened again.
    pub(super) async fn is_current(&mut self) -> Result<bool, StoreError> {
        let now = Stamp::at(&self.pool.path)?;
        let Some(OpenConnection { stamp, version: Some(version), .. }) = self.open else {
            return Ok(false);
        };
        if now == stamp {
            return Ok(true);
        }
        if now.is_same_file(stamp) {
            match self.version().await {
                Ok(new) if new != version => {
                    if let Some(open) = &mut self.open {
                        (open.stamp, open.version) = (now, Some(new));
                    }
                    return Ok(true);
                }
                Err(error) if error.kind() == StoreErrorKind::Busy => return Err(error),
                _ => {}
            }
        }
        self.open = None;
        self.pool.lock().clear();
        Ok(false)
    }

    /// Replaces the connection with a new one to the current file at the path.
    pub(super) async fn connect(&mut self) -> Result<(), StoreError> {
        self.open = None;
        let path = &self.pool.path;
        // Read before the file is opened, so that a change meanwhile causes another reopening instead of being missed.
        let stamp = Stamp::at(path)?;
        file::check_mount(path)?;
        file::check_companions(path)?;
        let sqlite = self.pool.options.connect().await;
        let sqlite = sqlite.map_err(|error| query_error(path, self.pool.access, error))?;
        self.open = Some(OpenConnection { sqlite, stamp, version: None });
        Ok(())
    }

    /// Marks a new connection as usable, after its tables were checked.
    pub(super) async fn mark_checked(&mut self) -> Result<(), StoreError> {
        let version = self.version().await?;
        if let Some(open) = &mut self.open {
            open.version = Some(version);
        }
        Ok(())
    }

    /// Returns a number that changes when another connection commits.
    async fn version(&mut self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("pragma data_version").fetch_one(self.sqlite()?).await;
        version.map_err(|error| self.query_error(error))
    }

    /// Runs a query, and returns its rows.
    pub(super) async fn rows(
        &mut self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let rows = query.fetch_all(self.sqlite()?).await;
        rows.map_err(|error| self.query_error(error))
    }

    /// Runs statements that return no rows.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(self.sqlite()?).await;
        done.map(drop).map_err(|error| self.query_error(error))
    }

    /// Converts the error of a query. Closes this connection, unless another one held a lock: an open handle may keep
    /// returning the error after its cause is gone.
    pub(super) fn query_error(&mut self, error: sqlx::Error) -> StoreError {
        self.close_unless_busy(query_error(&self.pool.path, self.pool.access, error))
    }

    /// Converts the error of a connection's first query, which only reads.
    pub(super) fn read_error(&mut self, error: sqlx::Error) -> StoreError {
        self.close_unless_busy(read_error(&self.pool.path, self.pool.access, error))
    }

    fn close_unless_busy(&mut self, error: StoreError) -> StoreError {
        if error.kind() != StoreErrorKind::Busy {
            self.open = None;
        }
        error
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.pool.lock().push(open);
        }
    }
}
