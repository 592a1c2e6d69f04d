//! The health of a replica, and the functions that report changes of it.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::clients::Clients;
use super::events;
use super::shared::Shared;
use crate::store::sql::DatabaseError;

/// The state of a [`Replica`](crate::store::Replica).
///
/// ```no_run
/// use keygate::store::Replica;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::store::DatabaseError> {
/// let replica = Replica::connect("postgres://service@db.internal/keys").await?;
/// let health = replica.health();
/// println!("{} keys, {:?} behind the database", health.keys, health.lag);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReplicaHealth {
    /// Whether known keys are served: the keys were loaded, and the last contact with the database was
    /// within the [maximum staleness](crate::store::ReplicaOptions::with_max_staleness).
    pub is_ready: bool,
    /// The start of the last poll of the primary after which all changes were served.
    pub last_contact: Option<SystemTime>,
    /// Time since the last contact: the upper bound for the age of the served keys.
    pub lag: Option<Duration>,
    /// The number of served keys, without revoked and refused ones.
    pub keys: usize,
    /// The number of clients in memory.
    pub clients: usize,
    /// The number of keys that are refused because their row, or their client's, cannot be used.
    pub refused_rows: usize,
    /// The reasons for the first ten of them.
    pub refused: Vec<String>,
    /// The number of times that all keys were loaded.
    pub loads: u64,
    /// The number of times that the database was found to be another one or to have gone back in time, after a restore
    /// from a backup or a failover to a standby.
    pub resets: u64,
    /// The time of the first failure since the replica last followed the database; `None` while it follows.
    pub failing_since: Option<SystemTime>,
    /// The reason why the replica does not follow the database.
    pub error: Option<DatabaseError>,
    /// The reason why the replica receives no notifications, if it receives none. It then finds changes by polling,
    /// within half a second.
    pub no_wake_ups: Option<String>,
    /// The reason why the [snapshot](crate::store::ReplicaOptions::with_snapshot) could not be read or written. Cleared
    /// by the next success.
    pub snapshot_error: Option<String>,
}

pub(super) fn loaded(shared: &Shared, clients: &Clients) {
    let mut health = shared.lock_health();
    health.loads += 1;
    health.clients = clients.len();
    events::loaded(shared.table.live(), health.clients, health.refused_rows);
}

pub(super) fn caught_up(shared: &Shared, clients: &Clients) {
    let mut health = shared.lock_health();
    health.clients = clients.len();
    health.failing_since = None;
    if health.error.take().is_some() {
        events::recovered();
    }
}

pub(super) fn wake_ups(shared: &Shared, is_listen_paused: bool, is_queue_high: bool) {
    let why = if is_listen_paused {
        Some("`listen` took too long on this server, and is tried again after a minute")
    } else if is_queue_high {
        Some(
            "the queue of notifications is more than 1% full, since a listener does not read it: \
             end the sessions that listen inside a long transaction",
        )
    } else {
        None
    };
    let mut health = shared.lock_health();
    if health.no_wake_ups.as_deref() == why {
        return;
    }
    health.no_wake_ups = why.map(str::to_owned);
    if let Some(why) = why {
        events::no_wake_ups(why);
    }
}

/// Reports that the database is another one, or went back in time.
pub(super) fn reset(shared: &Shared) {
    shared.lock_health().resets += 1;
    events::reset();
}

/// Reports that the database cannot be followed. A repeated error emits no second event.
pub(super) fn failing(shared: &Shared, error: &DatabaseError) {
    let text = error.to_string();
    let previous = shared.set_error(error.clone());
    if previous.is_none_or(|previous| previous.to_string() != text) {
        events::failing(shared.since_contact(), &text);
    }
}

pub(super) fn snapshot_read(shared: &Shared, age: Duration) {
    events::snapshot_read(shared.table.live(), age);
}

/// Reports that the snapshot could not be read or written.
pub(super) fn snapshot_failed(shared: &Shared, path: &Path, error: &io::Error) {
    let text = format!("{}: {error}", path.display());
    let previous = shared.lock_health().snapshot_error.replace(text.clone());
    if previous.as_ref() != Some(&text) {
        events::snapshot_failed(&text);
    }
}
