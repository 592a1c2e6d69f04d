use std::time::{Duration, SystemTime};

use crate::store::sql::DatabaseError;

/// How a [`Replica`](crate::store::Replica) is doing.
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
    /// Whether known keys are served: the keys were loaded, and the database was heard of within
    /// [`max_staleness`](crate::store::ReplicaOptions::max_staleness).
    pub is_ready: bool,
    /// When the primary was last asked what has changed, and all of its answer was taken.
    pub last_contact: Option<SystemTime>,
    /// How long ago that was: as old is what is served, at the most.
    pub lag: Option<Duration>,
    /// How many keys are held, revoked ones and those that are refused aside.
    pub keys: usize,
    /// How many clients are held.
    pub clients: usize,
    /// How many keys are refused because their rows, or those of their clients, cannot be used.
    pub refused_rows: usize,
    /// Why, for the first few of them.
    pub refused: Vec<String>,
    /// How often all keys were loaded.
    pub loads: u64,
    /// How often the database turned out to be another one or to have gone back in time: restored
    /// from a copy, or failed over to a standby.
    pub resets: u64,
    /// Since when the database is not followed, if it is not: when the first attempt failed since it was
    /// last followed.
    pub failing_since: Option<SystemTime>,
    /// Why it is not.
    pub error: Option<DatabaseError>,
    /// Why the database wakes nobody up, if it does not: changes are then found within half a second, by
    /// polling.
    pub no_wake_ups: Option<String>,
    /// Why the [snapshot](crate::store::ReplicaOptions::snapshot) could not be read or written, until it was.
    pub snapshot_error: Option<String>,
}
