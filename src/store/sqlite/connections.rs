use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

use super::error::{input_fault, is_busy, outage, plain_fault};
use super::lease::{Lease, Slots};
use super::open_transaction::OpenTransaction;
use super::options::SqliteOptions;
use super::{file, tables};
use crate::error::StoreError;
use crate::store::sql::{DatabaseError, retrying_while};

/// How long a lookup waits for the moment of a commit: 100,000 new keys locked readers out for 0.1 s.
/// The authenticator gives up after 1 s, and the thread of what it gave up should soon be free.
const READER_WAITS: Duration = Duration::from_secs(2);
/// How long one try of a change may wait for a lock. While a commit waits for a reader to end, no
/// lookup can begin.
const WRITER_WAITS: Duration = Duration::from_millis(30);

/// How often another file may take the place of the one that was just opened.
const ATTEMPTS: usize = 5;

/// The connections to the file at one path.
pub(super) struct Connections {
    path: PathBuf,
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

impl Connections {
    pub(super) async fn open(options: SqliteOptions, migrate: bool) -> Result<Self, DatabaseError> {
        let SqliteOptions { path, max_connections } = options;
        // SQLite takes some paths for URLs, and none that is absolute. The working folder may change.
        let path = std::path::absolute(&path).map_err(|error| input_fault(&path, error))?;
        if path.to_str().is_none() {
            let why = format!("{} is not UTF-8", path.display());
            return Err(DatabaseError::Location { why });
        }
        if migrate {
            file::create(&path)?;
        }
        file::check(&path)?;
        let connections = Self::new(path, max_connections);
        if migrate {
            let is_busy = |error: &DatabaseError| match error {
                DatabaseError::Unavailable(error) => is_busy(error),
                _ => false,
            };
            retrying_while(is_busy, || connections.migrate()).await?;
        }
        connections.try_lease(Role::Reader).await?;
        Ok(connections)
    }

    fn new(path: PathBuf, readers: u32) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(READER_WAITS)
            .foreign_keys(true)
            .thread_name(|number| format!("keygate-sqlite-{number}"));
        // A change that spills out of the cache locks all readers out until it ends. What is told as
        // done must outlive a loss of power, a revocation above all: EXTRA.
        let writing = options.clone().synchronous(SqliteSynchronous::Extra);
        let writing = writing.pragma("cache_spill", "off").busy_timeout(WRITER_WAITS);
        let readers = Slots::new(&path, options, readers.max(1) as usize);
        let writer = Slots::new(&path, writing, 1);
        Self { path, readers, writer }
    }

    async fn migrate(&self) -> Result<(), DatabaseError> {
        let mut lease = self.writer.lease().await?;
        lease.connect().await?;
        tables::migrate(lease).await
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection to the file that stands at the path now.
    pub(super) async fn lease(&self, role: Role) -> Result<Lease, StoreError> {
        self.try_lease(role).await.map_err(|error| outage(&self.path, error))
    }

    async fn try_lease(&self, role: Role) -> Result<Lease, DatabaseError> {
        let slots = match role {
            Role::Reader => &self.readers,
            Role::Writer => &self.writer,
        };
        let mut lease = slots.lease().await?;
        if !lease.is_current().await? {
            lease.connect().await?;
            lease.check().await?;
        }
        Ok(lease)
    }

    /// A transaction that writes to the file that stands at the path now.
    pub(super) async fn begin_writing(&self) -> Result<OpenTransaction, StoreError> {
        for _ in 0..ATTEMPTS {
            let mut begun = OpenTransaction::writer(self.lease(Role::Writer).await?).await?;
            // Another may have taken its place while this one waited for its turn.
            if begun.lease().is_current().await? {
                return Ok(begun);
            }
        }
        Err(plain_fault(&self.path, "other files take its place again and again"))
    }
}
