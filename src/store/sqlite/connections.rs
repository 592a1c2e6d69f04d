use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{fault, plain_fault};
use super::file::Identity;
use crate::error::StoreError;

/// How long a lookup waits for the moment of a commit: 100,000 new keys locked readers out for 0.1 s.
/// The authenticator gives up after 1 s, and the thread of what it gave up should soon be free.
const READER_WAITS: Duration = Duration::from_secs(2);
/// How long a change waits for another process to end its own.
const WRITER_WAITS: Duration = Duration::from_secs(5);

/// The connections to one file, which another may have taken the place of.
pub(super) struct Connections {
    readers: Arc<Slots>,
    /// One, so that changes wait for each other here and not in threads of SQLite.
    writer: Arc<Slots>,
}

/// What a connection is for.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Reader,
    Writer,
}

/// A connection that nobody else uses until this is dropped.
///
/// A query that is given up leaves it usable: its thread comes to the end of that query first.
pub(super) struct Lease {
    connection: Option<SqliteConnection>,
    slots: Arc<Slots>,
    _permit: OwnedSemaphorePermit,
}

struct Slots {
    path: PathBuf,
    identity: Identity,
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    permits: Arc<Semaphore>,
}

impl Connections {
    /// Connects nothing yet.
    pub(super) fn new(path: &Path, identity: Identity, readers: u32) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(READER_WAITS)
            .foreign_keys(true)
            .thread_name(|number| format!("keygate-sqlite-{number}"))
            .disable_statement_logging();
        let slots = |options: SqliteConnectOptions, count| {
            Arc::new(Slots {
                path: path.to_owned(),
                identity,
                options,
                idle: Mutex::default(),
                permits: Arc::new(Semaphore::new(count)),
            })
        };
        // A change that spills out of the cache locks all readers out until it ends. What is told as
        // done must outlive a loss of power, a revocation above all: EXTRA.
        let writing = options.clone().synchronous(SqliteSynchronous::Extra);
        let writing = writing.pragma("cache_spill", "off").busy_timeout(WRITER_WAITS);
        Self { readers: slots(options, readers.max(1) as usize), writer: slots(writing, 1) }
    }

    /// A connection to the file, or none where another has taken its place.
    pub(super) async fn lease(&self, role: Role) -> Result<Option<Lease>, StoreError> {
        let slots = match role {
            Role::Reader => &self.readers,
            Role::Writer => &self.writer,
        };
        let mut lease = slots.lease().await?;
        if lease.is_in_place()? {
            return Ok(Some(lease));
        }
        // It may be one to the other file.
        lease.connection = None;
        Ok(None)
    }
}

impl Slots {
    async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| plain_fault(&self.path, "the store is closed"))?;
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(|error| fault(&self.path, error))?,
        };
        Ok(Lease { connection: Some(connection), slots: Arc::clone(self), _permit: permit })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let path = &self.slots.path;
        self.connection.as_mut().ok_or_else(|| plain_fault(path, "the connection is closed"))
    }

    /// Whether no other file has taken the place of the one that this was opened for.
    pub(super) fn is_in_place(&self) -> Result<bool, StoreError> {
        Ok(Identity::at(&self.slots.path)? == self.slots.identity)
    }

    /// Puts an error in words; a connection whose thread is gone is not used again.
    pub(super) fn fault(&mut self, error: sqlx::Error) -> StoreError {
        if matches!(error, sqlx::Error::WorkerCrashed) {
            self.connection = None;
        }
        fault(&self.slots.path, error)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.slots.lock().push(connection);
        }
    }
}
