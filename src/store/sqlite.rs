use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::sql::{self, DatabaseError};
use crate::manage::ChangeContext;

mod connections;
mod dialect;
mod error;
mod file;
mod inspect;
mod lookup;
mod open_transaction;
mod opening;
mod options;
mod pool;
#[cfg(test)]
mod steps;
mod tables;
mod transaction;
mod triggers;
#[cfg(feature = "usage")]
mod usage;

use connections::Connections;
pub use options::SqliteOptions;
#[cfg(feature = "usage")]
pub(in crate::store) use usage::UsageFile;

/// A store in an SQLite database, for one machine and without a server.
///
/// A handle: cloning it is cheap, and clones share their connections. The database holds digests, never the
/// text of a key. Every lookup reads the database, so the next request sees a change by another process or
/// by hand. Several stores and processes of one machine may use the same file; a file on a network drive is
/// not supported by SQLite.
///
/// Restore a backup with `sqlite3 keys.db '.restore saved.db'`. A store also notices a file that was renamed
/// or copied over the database. Do that only while nothing changes keys, and while there is no `-journal` or `-wal`
/// file beside the database: SQLite would apply it to the restored file. See [`guide`](crate::guide::databases).
///
/// A file is refused if it is mounted without its folder, or has more than one hard link: mount or share the folder
/// instead.
///
/// # Behavior
///
/// - Lookups continue while keys are changed. Only the commit of a change makes them wait, for at most 2
///   seconds (0.1 seconds for 100,000 new keys). By default, the
///   [`Authenticator`](crate::Authenticator) gives up on a lookup after a second.
/// - A change waits at most 5 seconds for other changes and long reads, and holds no lock meanwhile. Then it
///   fails, with an error that names the blocking process where the system shows it.
/// - After a repair of the file, the service needs no restart: the next lookup or change opens the file again.
/// - The store keeps the journal mode of the file. New files use SQLite's default, a rollback journal. A
///   write-ahead log would stay beside the file while the database is open, and corrupt a restored one.
/// - A change that was reported as done survives a loss of power (`synchronous` is `extra`).
/// - A missing file, missing tables and an invalid row are a [`StoreError`](crate::StoreError), never an
///   unknown key.
///
/// ```
/// use keygate::{ApiKey, ManageKeys};
/// use keygate::store::SqliteStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("keygate-sqlite-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("keys.db");
/// let store = SqliteStore::migrate(&path).await?;
/// store.add_client("App 1".into()).await?;
/// let key = ApiKey::generate("kg")?;
/// store.issue("App 1", (&key).into()).await?;
///
/// let other = SqliteStore::open(&path).await?;
/// assert_eq!(other.list_keys(Some("App 1")).await?.len(), 1);
/// # drop((store, other));
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
///
#[doc = include_str!("sqlite/tables.md")]
#[derive(Clone)]
pub struct SqliteStore {
    connections: Arc<Connections>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    context: ChangeContext,
    tool: Arc<str>,
}

impl SqliteStore {
    /// Opens an existing database whose tables this version can read.
    ///
    /// Creates and changes nothing. A read-only file serves lookups, too, unless it is in WAL mode: then
    /// readers need the right to write its folder.
    ///
    /// # Errors
    ///
    /// The file does not exist, is not an SQLite database, or has no tables that this version can read.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
        Self::options(path).open().await
    }

    /// Creates the file and the tables if they are missing, and opens the database.
    ///
    /// Only its owner can read a new file. Other tables in the file are left alone. Many processes may
    /// migrate at once: one creates the tables, and the others wait for it.
    ///
    /// # Errors
    ///
    /// The file cannot be created or written, is not an SQLite database, or has tables that this version
    /// cannot read.
    pub async fn migrate(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
        Self::options(path).migrate().await
    }

    /// Returns options for the database at this path. Open it with [`SqliteOptions::open`] or
    /// [`SqliteOptions::migrate`].
    pub fn options(path: impl AsRef<Path>) -> SqliteOptions {
        SqliteOptions::new(path.as_ref())
    }

    /// Returns the version of the tables, which may be newer than the one that this version creates.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has no tables.
    pub async fn schema_version(&self) -> Result<i32, DatabaseError> {
        tables::version(&mut self.connections.reader().await?).await
    }

    /// Replaces the clock that is used to issue, rotate and revoke keys through this handle.
    ///
    /// Requests do not use it: the [`Authenticator`](crate::Authenticator) has its own clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Replaces the actor that `keygate_events` records for changes through this handle. The default is
    /// none.
    #[must_use]
    pub fn with_actor(self, actor: impl Into<String>) -> Self {
        Self { context: self.context.with_actor(actor.into().into()), ..self }
    }

    /// Replaces the tool that `keygate_events` records for changes through this handle. The default is
    /// `keygate`.
    #[must_use]
    pub fn with_tool(self, tool: impl Into<String>) -> Self {
        Self { tool: tool.into().into(), ..self }
    }
}

#[cfg(test)]
pub(in crate::store) use tables::MIGRATIONS;

sql::manage_keys!(SqliteStore);

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.connections.path())
            .finish_non_exhaustive()
    }
}
