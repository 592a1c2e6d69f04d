use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::sql::{self, DatabaseError};
use super::{Answer, KeyStore, Lookup};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId};
use crate::manage::{BoxFuture, ClientInfo, KeyInfo, ManageError, NewKey, Rotated};

mod columns;
mod connections;
mod error;
mod file;
mod holders;
mod inspect;
mod lease;
mod open_transaction;
mod options;
mod tables;
mod transaction;

use connections::{Connections, Role};
pub use options::SqliteOptions;

/// Keys and clients in an SQLite database: for one machine, without a server.
///
/// A handle: cloning it is cheap, and clones share their connections. It keeps digests, never the
/// text of a key. Every lookup asks the database, so that its answer is always current: a change by
/// another process, or by hand, is seen by the next request. Several stores and processes of one
/// machine may use one file at once; a file on a network drive is not for SQLite.
///
/// Restore a backup with `sqlite3 keys.db '.restore saved.db'`. A file that is renamed or copied over the
/// database is noticed at the next lookup, too. Do so while nothing changes keys, and with no `-journal` or
/// `-wal` file beside it, which SQLite would take for its own. See [`guide`](crate::guide::databases).
///
/// A file that is mounted by itself and a file with more than one hard link are refused: mount or share
/// its folder.
///
/// # How it serves
///
/// - Lookups go on while keys are changed, but for the moment in which a change is written to the
///   disk. They wait for that moment, at most 2 seconds (100,000 new keys took 0.1 of one). The
///   [`Authenticator`](crate::Authenticator) gives a lookup up after a second by default.
/// - Changes wait for the changes and long reads of others, at most 5 seconds, and hold no lock
///   meanwhile. Then it is an outage that names the process in the way, where the system shows it.
/// - A fault that is repaired needs no restart: the next lookup or change opens the file again.
/// - It leaves the journal mode of the file as it is. That of the files it makes is SQLite's own
///   default, a rollback journal, and not a write-ahead log: one of those stays beside the file while
///   the database is open, and would spoil a restored one.
/// - What was told as done outlives a loss of power (`synchronous` is `extra`).
/// - A missing file, one without tables, and a row that a hand has spoilt are a
///   [`StoreError`](crate::StoreError), and never an unknown key.
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
    clock: Option<Clock>,
    actor: Option<Arc<str>>,
    tool: Arc<str>,
}

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl SqliteStore {
    /// Opens a database that is there, with tables that this version can read.
    ///
    /// It makes and changes nothing. A file that cannot be written serves lookups all the same, unless it
    /// is in WAL mode: readers then need the right to write its folder.
    ///
    /// # Errors
    ///
    /// There is no such file, it is no SQLite database, or it lacks tables that this version can read.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
        Self::options(path).open().await
    }

    /// Makes the file and the tables where they are missing, and opens the database.
    ///
    /// A new file may be read by its owner alone. Tables of others in the same file stay as they are.
    /// Many processes may do this at once: one makes the tables, and the others find them.
    ///
    /// # Errors
    ///
    /// The file cannot be made, is no SQLite database or cannot be written, or its tables are of a
    /// version that this one cannot read.
    pub async fn migrate(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
        Self::options(path).migrate().await
    }

    /// Options for the database at this path, to be opened with [`SqliteOptions::open`] or
    /// [`SqliteOptions::migrate`].
    pub fn options(path: impl AsRef<Path>) -> SqliteOptions {
        SqliteOptions::new(path.as_ref())
    }

    /// The version of the tables, which may be a later one than this code was written for.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has lost its tables.
    pub async fn schema_version(&self) -> Result<i32, DatabaseError> {
        tables::version(&mut self.connections.lease(Role::Reader).await?).await
    }

    async fn opened(options: SqliteOptions, migrate: bool) -> Result<Self, DatabaseError> {
        let connections = Connections::open(options, migrate).await?;
        Ok(Self {
            connections: Arc::new(connections),
            clock: None,
            actor: None,
            tool: "keygate".into(),
        })
    }

    /// Replaces the clock by which keys are issued, rotated and revoked through this handle.
    ///
    /// Whether a key has expired when it is presented is told by the clock of the
    /// [`Authenticator`](crate::Authenticator).
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    /// Replaces who `keygate_events` names for changes through this handle: nobody at first.
    #[must_use]
    pub fn with_actor(self, actor: impl Into<String>) -> Self {
        Self { actor: Some(actor.into().into()), ..self }
    }

    /// Replaces the tool that `keygate_events` names for changes through this handle: `keygate` at
    /// first.
    #[must_use]
    pub fn with_tool(self, tool: impl Into<String>) -> Self {
        Self { tool: tool.into().into(), ..self }
    }

    async fn find(connections: &Connections, digest: KeyDigest) -> Answer {
        let mut lease = connections.lease(Role::Reader).await?;
        let query = sqlx::query(columns::RECORD).bind(digest.to_bytes().to_vec());
        let row = query.fetch_optional(lease.connection()?).await;
        let row = row.map_err(|error| lease.fault(error))?;
        Ok(row.map(|row| columns::record(&row)).transpose()?)
    }
}

impl KeyStore for SqliteStore {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let connections = Arc::clone(&self.connections);
        Lookup::pending(async move { Self::find(&connections, digest).await })
    }
}

sql::manage_keys!(SqliteStore);

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.connections.path())
            .finish_non_exhaustive()
    }
}
