//! The replica: all keys of a PostgreSQL database in memory.
//!
//! `follower` runs on its own thread and keeps one `session` with the database: it loads all keys (`load`), then
//! polls for changes (`poll`). Both read rows with `rows`. Requests read `shared`. `snapshot` is the copy on disk.
//! Start reading at `session`. Each module only imports later ones: follower, session, load and poll, state, shared.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::LocalKeyStore;
use super::postgres::PostgresOptions;
use super::sql::DatabaseError;
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::KeyRecord;

mod change_queue;
mod clients;
mod connection;
#[cfg_attr(not(feature = "tracing"), expect(unused_variables))]
mod events;
mod follower;
mod health;
mod history;
mod load;
mod options;
mod poll;
mod reports;
mod rows;
mod server_probe;
mod session;
mod shared;
mod snapshot;
mod state;

pub use health::ReplicaHealth;
pub use options::ReplicaOptions;
use shared::{Progress, Shared};

/// A store that keeps all keys of a PostgreSQL database in memory and follows their changes: no request waits for
/// the database, and no unknown key reaches it.
///
/// Cloning is cheap, and clones share their keys. A background thread follows the database over one connection,
/// and ends when the last clone is dropped. The database notifies it of each change, and it also polls twice a
/// second: a change takes effect within milliseconds, or within about half a second if notifications are lost. This
/// includes changes made by hand in SQL. Behind a pooler in transaction mode, use
/// [`through_pooler`](ReplicaOptions::through_pooler).
///
/// | last contact with the database | known keys | unknown keys |
/// | --- | --- | --- |
/// | none yet | 503 | 503 |
/// | within 2 seconds, or up to 5 for a distant database | served | 401 |
/// | longer ago | served | 503: the key may have been issued meanwhile |
/// | longer ago than the [maximum staleness](ReplicaOptions::with_max_staleness) | 503 | 503 |
///
/// Only a response of the primary counts as contact: a standby may lag behind, and is not followed.
///
/// # Databases that went back in time
///
/// A database that was restored from a backup, or has failed over, may have lost changes. The replica then loads all
/// keys again, counts this in [`ReplicaHealth::resets`] and, with the feature `tracing`, emits an event. It detects
/// this by the system identifier and the timeline of the cluster (`pg_control_system`, `pg_walfile_name`), and by
/// recent events that are missing.
///
/// Some servers do not permit these functions: Amazon Aurora, and servers whose owner revoked the right to them. The
/// replica then loads all keys after each start of the server, without an event, and detects a database that went
/// back in time only by missing events or a lower transaction id.
///
/// If triggers of keygate's tables are missing or disabled, as during a restore of a dump, the tables are not
/// followed. This counts as lost contact; afterwards all keys are loaded again.
///
/// # Limits
///
/// - A key whose row is invalid is refused with 503; other keys are not affected.
/// - Changes by a session with `session_replication_role = replica` are not seen before the next load.
/// - While a machine sleeps, the replica's clock may stop: for a moment after waking up, it may serve stale keys.
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
    /// Ends the follower when the last clone is dropped.
    _drop_guard: Arc<oneshot::Sender<Infallible>>,
}

impl Replica {
    /// Starts a replica, and waits until it is ready: see [`Replica::ready`].
    ///
    /// # Errors
    ///
    /// The URL is invalid; or as for [`Replica::ready`].
    pub async fn connect(url: &str) -> Result<Self, DatabaseError> {
        Self::options(url)?.connect().await
    }

    /// Returns options for a replica of the database at this URL.
    ///
    /// # Errors
    ///
    /// The URL is invalid or has an unknown option.
    pub fn options(url: &str) -> Result<ReplicaOptions, DatabaseError> {
        Ok(ReplicaOptions::new(PostgresOptions::new(url)?))
    }

    /// Returns options for a replica of the database whose URL is in a file: see
    /// [`PostgresStore::options_from_file`](crate::store::PostgresStore::options_from_file).
    ///
    /// # Errors
    ///
    /// The file cannot be read, is longer than 64 KiB, or does not hold a URL.
    pub fn options_from_file(path: impl Into<PathBuf>) -> Result<ReplicaOptions, DatabaseError> {
        Ok(ReplicaOptions::new(PostgresOptions::from_file(path.into())?))
    }

    /// Waits until the keys are loaded.
    ///
    /// The replica retries while the database cannot be reached, so this may wait forever.
    ///
    /// # Errors
    ///
    /// An error that retrying alone does not resolve: the database has no tables, they have an unsupported version,
    /// or the server refuses the role or its password. The replica retries nevertheless, and becomes ready once the
    /// cause is removed.
    pub async fn ready(&self) -> Result<(), DatabaseError> {
        let mut progress = self.shared.progress.subscribe();
        let is_decided = |progress: &_| matches!(progress, Progress::Ready | Progress::Failed(_));
        let result = progress.wait_for(is_decided).await;
        match result.as_deref() {
            Ok(Progress::Failed(error)) => Err(error.clone()),
            // `self` keeps the sender alive, so waiting does not fail.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Returns whether known keys are served: the readiness of a service.
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready()
    }

    /// Returns the replica's health.
    pub fn health(&self) -> ReplicaHealth {
        self.shared.health()
    }
}

impl ReplicaOptions {
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

    /// Starts a replica without waiting: the service can start at once, and every request gets 503 until the keys
    /// are loaded.
    pub fn start(self) -> Replica {
        let shared = Arc::new(Shared::new(self.max_staleness));
        let (drop_guard, dropped) = oneshot::channel();
        follower::start(self, &shared, dropped);
        Replica { shared, _drop_guard: Arc::new(drop_guard) }
    }
}

#[cfg(feature = "metrics")]
impl Replica {
    /// Returns when the next active key expires after `now`.
    pub(crate) fn next_expiry(&self, now: std::time::SystemTime) -> Option<std::time::SystemTime> {
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
