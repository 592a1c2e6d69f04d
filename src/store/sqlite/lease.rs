use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{fault, is_busy, plain_fault, reading_fault};
use super::file::{self, Stamp};
use super::tables;
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// Idle connections of one kind, and permits for those in use.
pub(super) struct Slots {
    path: PathBuf,
    options: SqliteConnectOptions,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

/// A connection that nobody else uses until this is dropped.
///
/// A query that is given up leaves it usable: its thread comes to the end of that query first.
pub(super) struct Lease {
    connection: Option<Connection>,
    slots: Arc<Slots>,
    _permit: OwnedSemaphorePermit,
}

struct Connection {
    sqlite: SqliteConnection,
    stamp: Stamp,
    /// SQLite's `data_version` since then; none until the tables were checked.
    version: Option<i64>,
}

impl Slots {
    pub(super) fn new(path: &Path, options: SqliteConnectOptions, count: usize) -> Arc<Self> {
        Arc::new(Self {
            path: path.to_owned(),
            options: options.disable_statement_logging(),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(count)),
        })
    }

    /// An idle connection, or a place for a new one.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| plain_fault(&self.path, "the store is closed"))?;
        let connection = self.lock().pop();
        Ok(Lease { connection, slots: Arc::clone(self), _permit: permit })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let path = &self.slots.path;
        let connection = self.connection.as_mut().map(|connection| &mut connection.sqlite);
        connection.ok_or_else(|| plain_fault(path, "the connection is closed"))
    }

    /// Returns whether the connection shows the file at the path as it is now.
    ///
    /// SQLite keeps pages of the file, and reads them again only after a commit. A backup that was
    /// copied over the file is none, and other rights do not reach a handle that is open. So the
    /// connection is closed if the file changed without one.
    pub(super) async fn is_current(&mut self) -> Result<bool, StoreError> {
        let now = Stamp::at(&self.slots.path)?;
        let Some(Connection { stamp, version: Some(version), .. }) = self.connection else {
            return Ok(false);
        };
        if now == stamp {
            return Ok(true);
        }
        if now.is_same_file(stamp) {
            match self.version().await {
                Ok(other) if other != version => {
                    if let Some(connection) = &mut self.connection {
                        (connection.stamp, connection.version) = (now, Some(other));
                    }
                    return Ok(true);
                }
                Err(error) if is_busy(&error) => return Err(error),
                _ => {}
            }
        }
        self.connection = None;
        self.slots.lock().clear();
        Ok(false)
    }

    /// Opens a connection in the place of the old one, to the file that is at the path now.
    pub(super) async fn connect(&mut self) -> Result<(), StoreError> {
        self.connection = None;
        let path = &self.slots.path;
        // First: if the file changes meanwhile, the connection is opened once more, and not too late.
        let stamp = Stamp::at(path)?;
        file::check_mount(path)?;
        file::check_companions(path)?;
        let sqlite = self.slots.options.connect().await.map_err(|error| fault(path, error))?;
        self.connection = Some(Connection { sqlite, stamp, version: None });
        Ok(())
    }

    /// Checks the tables of a connection that was just opened, so that it can be used.
    pub(super) async fn check(&mut self) -> Result<(), DatabaseError> {
        tables::check(self).await?;
        let version = self.version().await?;
        if let Some(connection) = &mut self.connection {
            connection.version = Some(version);
        }
        Ok(())
    }

    /// A number that moves when SQLite reads pages again because of another connection's commit.
    async fn version(&mut self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("pragma data_version").fetch_one(self.connection()?).await;
        version.map_err(|error| self.fault(error))
    }

    /// Puts an error in words, and closes the connection unless another one has merely locked it out:
    /// a fault that is mended may stay with a handle that met it.
    pub(super) fn fault(&mut self, error: sqlx::Error) -> StoreError {
        self.meet(fault(&self.slots.path, error))
    }

    /// As [`Lease::fault`], of the first query of a connection, which only reads.
    pub(super) fn reading_fault(&mut self, error: sqlx::Error) -> StoreError {
        self.meet(reading_fault(&self.slots.path, error))
    }

    fn meet(&mut self, error: StoreError) -> StoreError {
        if !is_busy(&error) {
            self.connection = None;
        }
        error
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.slots.lock().push(connection);
        }
    }
}
