use std::path::PathBuf;
use std::time::Duration;

use crate::store::postgres::PostgresOptions;

/// Options of a [`Replica`](crate::store::Replica).
///
/// ```no_run
/// use std::time::Duration;
/// use keygate::store::Replica;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::store::DatabaseError> {
/// let replica = Replica::options("postgres://service@db.internal/keys?sslmode=verify-full")?
///     .with_max_staleness(Duration::from_secs(60))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they start a replica"]
pub struct ReplicaOptions {
    pub(super) database: PostgresOptions,
    pub(super) max_staleness: Duration,
    pub(super) snapshot: Option<PathBuf>,
    pub(super) migrate: bool,
    pub(super) through_pooler: bool,
}

/// Longer than the failover of a managed database, which takes one to two minutes, and short enough to limit how late a
/// revocation may take effect.
const DEFAULT_MAX_STALENESS: Duration = Duration::from_secs(5 * 60);

/// Two poll intervals.
const MIN_STALENESS: Duration = Duration::from_secs(1);

impl ReplicaOptions {
    pub(super) fn new(database: PostgresOptions) -> Self {
        Self {
            database,
            max_staleness: DEFAULT_MAX_STALENESS,
            snapshot: None,
            migrate: false,
            through_pooler: false,
        }
    }

    /// Sets how long known keys are served without contact with the database.
    ///
    /// The default is five minutes: longer than the failover of a managed database, which takes one to two
    /// minutes. An instance that is cut off from the database may serve a revoked key for this time.
    ///
    /// The minimum is one second, which is two poll intervals.
    pub fn with_max_staleness(self, max_staleness: Duration) -> Self {
        Self { max_staleness: max_staleness.max(MIN_STALENESS), ..self }
    }

    /// Keeps a copy of the keys on disk, from which an instance can start while the database cannot be
    /// reached.
    ///
    /// The snapshot is served when the first attempt to connect fails, or takes more than a second. Once
    /// connected, the replica waits for the keys of the database, which replace those of the snapshot as soon as
    /// they are loaded. After an error that retrying alone does not resolve (see
    /// [`Replica::ready`](crate::store::Replica::ready)), the snapshot is not served, since the database can be
    /// reached.
    ///
    /// The file holds digests and clients, never the text of a key, and only its owner can read it. It is written after
    /// each load and after changes. After each write there is a pause of nine times its duration, at least a second;
    /// changes during the pause are written at its end. The file contains the time of the last contact, accurate to ten
    /// seconds, from which the [maximum staleness](ReplicaOptions::with_max_staleness) counts, even if the file was
    /// copied.
    ///
    /// The file also names the host or socket, the port and the database of the URL. A snapshot of another
    /// database is not served, and is reported as
    /// [`snapshot_error`](crate::store::ReplicaHealth::snapshot_error). Instances of one database may share a path,
    /// but then each of them writes the whole file every ten seconds. A hanging disk affects only the snapshot.
    ///
    /// A symbolic link at the path is not followed. On Unix, a snapshot is read only if it belongs to the user
    /// of this process or to root.
    pub fn with_snapshot(self, path: impl Into<PathBuf>) -> Self {
        Self { snapshot: Some(path.into()), ..self }
    }

    /// Creates or upgrades the tables before the keys are loaded.
    ///
    /// Safe when several instances start at once: one migrates while the others wait. The role needs the rights to do
    /// so, which serving does not require.
    pub fn migrate(self) -> Self {
        Self { migrate: true, ..self }
    }

    /// Polls twice a second, without `LISTEN`.
    ///
    /// For poolers in transaction mode, such as pgbouncer with `pool_mode=transaction`. With these, a `LISTEN` would
    /// stay active on a server connection that other clients use, and their drivers may not expect notifications.
    pub fn through_pooler(self) -> Self {
        Self { through_pooler: true, ..self }
    }
}
