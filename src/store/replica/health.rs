//! The health of a replica.

use std::time::{Duration, SystemTime};

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
