use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::time::SystemTime;

use tokio::sync::oneshot;

use super::LocalKeyStore;
use super::postgres::PostgresOptions;
use super::sql::DatabaseError;
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::KeyRecord;

mod clients;
mod clock;
mod connect;
mod copy;
mod fallback;
mod fault;
mod follower;
mod health;
mod history;
mod load;
mod options;
mod pending;
mod poll;
mod refused;
mod report;
mod rows;
mod server_probe;
mod session;
mod shared;
mod snapshot;

pub use health::ReplicaHealth;
pub use options::ReplicaOptions;
use shared::{Progress, Shared};

/// The keys of a PostgreSQL database in memory, which follow it: no request waits for the database,
/// and no unknown key reaches it.
///
/// A handle: cloning it is cheap, and clones share their keys. A thread of its own follows the
/// database over one connection, and ends when the last clone is dropped. It is woken by the
/// database, and asks by itself at least every half second, so that a change is known within
/// milliseconds, and within about half a second where wake-ups get lost. Behind a pooler that lends
/// connections for a transaction, use [`through_pooler`](ReplicaOptions::through_pooler). Changes that
/// somebody makes by hand in SQL are followed, too.
///
/// | contact with the database | known keys | other keys |
/// | --- | --- | --- |
/// | not yet | 503 | 503 |
/// | within 2 seconds, or up to 5 to a far database | served | 401 |
/// | longer ago | served | 503: it may have been issued meanwhile |
/// | longer ago than [`max_staleness`](ReplicaOptions::max_staleness) | 503 | 503 |
///
/// Contact is an answer of the primary: a standby may lag behind, and is not followed.
///
/// # Databases that went back in time
///
/// A database that was restored from a copy or has failed over may have forgotten changes. All keys
/// are then loaded anew, which [`Replica::health`] counts and, with the feature `tracing`, an event
/// tells of. It is known by the system identifier and the timeline of its cluster
/// (`pg_control_system`, `pg_walfile_name`), and by the changes that were seen last and are gone.
///
/// Some servers keep the first two to themselves: Amazon Aurora, and those whose owner took the right
/// to ask for them away from everyone. All keys are then loaded anew after each start of the server,
/// without a word, and a database that went back in time is told of only where a change that was
/// seen is gone, or its transactions are fewer.
///
/// Tables whose triggers are missing or switched off, as while a dump is restored, are not followed, and
/// count as out of contact; then all keys are loaded anew.
///
/// # Limits
///
/// - A row that a hand has spoilt refuses its key, by 503, and stops nothing else.
/// - What a session with `session_replication_role = replica` changes is not seen before the next load.
/// - While a machine sleeps, time may not pass for the replica: for an instant after it wakes, keys are
///   served as before.
///
/// ```no_run
/// use keygate::ApiKeyLayer;
/// use keygate::store::Replica;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::store::DatabaseError> {
/// let url = "postgres://service@db.internal/keys?sslmode=verify-full";
/// let layer = ApiKeyLayer::new(Replica::connect(url).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Replica {
    shared: Arc<Shared>,
    /// Dropped with the last clone, which the follower hears.
    _life: Arc<oneshot::Sender<Infallible>>,
}

impl Replica {
    /// Starts a replica, and waits until it is ready: see [`Replica::ready`].
    ///
    /// # Errors
    ///
    /// The URL is not one; or as for [`Replica::ready`].
    pub async fn connect(url: &str) -> Result<Self, DatabaseError> {
        Self::options(url)?.connect().await
    }

    /// Says how a replica is to be, before it starts.
    ///
    /// # Errors
    ///
    /// The URL is not one, or has an option that is not known.
    pub fn options(url: &str) -> Result<ReplicaOptions, DatabaseError> {
        ReplicaOptions::new(url)
    }

    /// As [`Replica::options`], with the URL in a file: see
    /// [`PostgresStore::options_from_file`](crate::store::PostgresStore::options_from_file).
    ///
    /// # Errors
    ///
    /// The file cannot be read, is longer than 64 KiB, or holds something else than a URL.
    pub fn options_from_file(path: impl Into<PathBuf>) -> Result<ReplicaOptions, DatabaseError> {
        Ok(ReplicaOptions::of(PostgresOptions::from_file(path.into())?))
    }

    fn start(options: ReplicaOptions) -> Self {
        let shared = Arc::new(Shared::new(options.max_staleness));
        let (life, ended) = oneshot::channel();
        follower::start(options, &shared, ended);
        Self { shared, _life: Arc::new(life) }
    }

    /// Waits until the keys were loaded.
    ///
    /// A database that is out of reach is tried again, so this may wait for ever.
    ///
    /// # Errors
    ///
    /// What waiting does not mend: the database has no tables, they are of a version that cannot be
    /// read, or the role or its password is refused. The replica tries again all the same: it
    /// becomes ready when somebody mends it.
    pub async fn ready(&self) -> Result<(), DatabaseError> {
        let mut progress = self.shared.progress.subscribe();
        let told = progress.wait_for(|progress| !matches!(progress, Progress::Starting)).await;
        match told.as_deref() {
            Ok(Progress::Failed(error)) => Err(error.clone()),
            // The sender is ours, so it is there.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Whether known keys are served, which is when a service should get requests.
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready()
    }

    /// How the replica is doing.
    pub fn health(&self) -> ReplicaHealth {
        self.shared.health()
    }

    /// When the next of the keys that work expires after this time.
    #[cfg(feature = "metrics")]
    pub(crate) fn next_expiry(&self, now: SystemTime) -> Option<SystemTime> {
        self.shared.table.next_expiry(now)
    }
}

impl LocalKeyStore for Replica {
    #[inline]
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        self.shared.find(digest)
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = self.health();
        f.debug_struct("Replica")
            .field("is_ready", &health.is_ready)
            .field("keys", &health.keys)
            .field("clients", &health.clients)
            .finish_non_exhaustive()
    }
}
