use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::Replica;
use crate::store::postgres::PostgresOptions;
use crate::store::sql::DatabaseError;

/// How a [`Replica`] connects, and how long it serves without contact.
///
/// ```no_run
/// use std::time::Duration;
/// use keygate::store::Replica;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::store::DatabaseError> {
/// let replica = Replica::options("postgres://service@db.internal/keys?sslmode=verify-full")?
///     .max_staleness(Duration::from_secs(60))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until they start a replica"]
pub struct ReplicaOptions {
    pub(super) database: PostgresOptions,
    pub(super) max_staleness: Duration,
    pub(super) snapshot: Option<PathBuf>,
    pub(super) migrate: bool,
    pub(super) through_pooler: bool,
}

/// Longer than a managed database takes to fail over, which is one to two minutes, and short enough
/// to bound how long a revoke may go unheard.
const MAX_STALENESS: Duration = Duration::from_secs(5 * 60);

/// Two polls.
const LEAST_STALENESS: Duration = Duration::from_secs(1);

impl ReplicaOptions {
    pub(super) fn new(url: &str) -> Result<Self, DatabaseError> {
        Ok(Self::of(PostgresOptions::new(url)?))
    }

    pub(super) fn of(database: PostgresOptions) -> Self {
        Self {
            database,
            max_staleness: MAX_STALENESS,
            snapshot: None,
            migrate: false,
            through_pooler: false,
        }
    }

    /// Replaces how long known keys are served without contact with the database.
    ///
    /// The default is five minutes: longer than the one or two minutes that a managed database takes
    /// to fail over. As long may a revoke go unheard by an instance that is cut off.
    ///
    /// Less than one second counts as one: the database is asked every half second, and an answer that
    /// is awaited is no outage.
    pub fn max_staleness(self, max_staleness: Duration) -> Self {
        Self { max_staleness: max_staleness.max(LEAST_STALENESS), ..self }
    }

    /// Keeps a copy on disk, from which an instance can start while the database is out of reach.
    ///
    /// The snapshot is served when the first attempt to reach the database has failed, which a refused
    /// connection does at once, or is under way for more than a second. Once the database has let
    /// the replica in, its keys are waited for, and they take the snapshot's place whenever they come.
    /// A server that answers by what waiting does not mend (see [`Replica::ready`]) is not out of
    /// reach: there is no start from a snapshot then.
    ///
    /// The file holds digests and clients, never the text of a key, and is for its owner alone. It
    /// is written when the keys were loaded and after changes, at once where it has rested for nine
    /// times as long as writing it took, and for a second at least; a change that comes in between is
    /// not in the file until then. It says itself when the database was last heard of, within ten
    /// seconds, and counts from there against [`max_staleness`](ReplicaOptions::max_staleness), also
    /// where it was copied.
    ///
    /// It also names the host or socket, the port and the database of the URL. One of another place is
    /// not served, and [`snapshot_error`](crate::store::ReplicaHealth::snapshot_error) says so. Instances of
    /// one database may share a path, at the price that each of them writes the whole file every ten
    /// seconds. A disk that hangs stops nothing but the snapshot.
    ///
    /// A symbolic link in its place is not followed. On Unix, a snapshot that belongs to neither the user
    /// of this process nor root is not read.
    pub fn snapshot(self, path: impl Into<PathBuf>) -> Self {
        Self { snapshot: Some(path.into()), ..self }
    }

    /// Makes the tables, or brings them up to date, before the keys are loaded.
    ///
    /// Safe when many instances start at once: one does it and the others wait. It takes a role that
    /// may; the one that serves need not.
    pub fn migrate(self) -> Self {
        Self { migrate: true, ..self }
    }

    /// Asks every half second what has changed, and waits for no wake-up.
    ///
    /// For poolers that lend a connection for a transaction, as pgbouncer does with
    /// `pool_mode=transaction`. A `LISTEN` would stay on a connection that is lent to others, whose drivers may
    /// not expect what they then hear.
    pub fn through_pooler(self) -> Self {
        Self { through_pooler: true, ..self }
    }

    /// Starts a replica, and waits until it is ready: see [`Replica::ready`].
    ///
    /// # Errors
    ///
    /// As for [`Replica::ready`].
    pub async fn connect(self) -> Result<Replica, DatabaseError> {
        let replica = self.start();
        replica.ready().await?;
        Ok(replica)
    }

    /// Starts a replica at once: the service may start, and every request is answered by 503 until
    /// the keys were loaded.
    pub fn start(self) -> Replica {
        Replica::start(self)
    }
}

impl fmt::Debug for ReplicaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicaOptions")
            .field("database", &self.database)
            .field("max_staleness", &self.max_staleness)
            .field("snapshot", &self.snapshot)
            .field("migrate", &self.migrate)
            .field("through_pooler", &self.through_pooler)
            .finish()
    }
}
