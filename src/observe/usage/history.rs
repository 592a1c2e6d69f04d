use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::aggregate::time;
use crate::clock::{self, Clock, nanos};
use crate::store::DatabaseError;
use crate::store::usage::{CountsQuery, CountsRow, Group, UsageTables};

mod client_uses;
mod last_uses;
mod opening;
mod past;
mod query;
mod totals;
mod watch;

pub use client_uses::ClientLastUse;
pub use last_uses::LastUses;
pub use opening::state_folder;
pub use query::{UsageBucket, UsageQuery};
pub use totals::{ClientSeries, ClientTotals, KeyTotals, UsagePoint, UsageTotals};
pub use watch::UsageWatch;

/// The usage that [`UsageWriter`](super::UsageWriter)s have saved: the requests of each client and key, and the last
/// use of each key.
///
/// It is in tables of PostgreSQL, or in the SQLite file `usage.db`, which is never in the folder of the keys. Counts
/// are kept by minute for a day, by hour for 31 days and by day for two years; writers sum up and remove older ones.
///
/// It is a handle: clones share their connections. Reading requires tokio.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::observe::{UsageBucket, UsageHistory, UsageQuery};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "sqlite")] {
/// # let folder = std::env::temp_dir().join(format!("keygate-history-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let history = UsageHistory::in_folder(&folder).await?;
/// let today = UsageQuery::new().since(SystemTime::now() - Duration::from_secs(24 * 60 * 60));
/// for client in history.top(&today, 10).await? {
///     println!("{}: {} requests", client.client, client.totals.requests);
/// }
/// for hour in history.series(&today.for_client("App 1"), UsageBucket::Hour).await? {
///     println!("{:?}: {} requests", hour.start, hour.totals.requests);
/// }
/// # std::fs::remove_dir_all(folder)?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct UsageHistory {
    tables: UsageTables,
    clock: Option<Clock>,
}

impl UsageHistory {
    fn new(tables: UsageTables) -> Self {
        Self { tables, clock: None }
    }

    /// Replaces the clock that decides whether usage is still written.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    pub(super) fn tables(&self) -> &UsageTables {
        &self.tables
    }

    /// Returns when usage was written: from the start of the first writer, or of the first one after a gap of more than
    /// a day in which there was none. After a writer has dropped batches, from the end of the last one.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn watch(&self) -> Result<UsageWatch, DatabaseError> {
        let written = self.tables.written().await?;
        let now = nanos(clock::now(self.clock.as_ref())) / 1_000_000_000;
        Ok(UsageWatch::of(written.as_ref(), now))
    }

    /// Returns since when usage has been written: see [`UsageHistory::watch`]. `None` if nothing was ever written, or if
    /// no writer has written for more than an hour, so that usage is not watched now.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn watched_since(&self) -> Result<Option<SystemTime>, DatabaseError> {
        Ok(self.watch().await?.since())
    }

    /// Reads when the keys of one client or of all clients were last used.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn last_uses(&self, client: Option<&str>) -> Result<LastUses, DatabaseError> {
        // Read in this order, so that a key that is first used in between counts as watched.
        let watch = self.watch().await?;
        Ok(LastUses::new(watch, self.tables.last_uses(client).await?))
    }

    /// Sums the counts of each key, in the order of clients and key ids.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn keys(&self, query: &UsageQuery) -> Result<Vec<KeyTotals>, DatabaseError> {
        let rows = self.counts(query, Group::Key).await?;
        let same = |one: &CountsRow, other: &CountsRow| {
            (&one.client, &one.key_id) == (&other.client, &other.key_id)
        };
        // A malformed id was written by hand.
        Ok(rows.chunk_by(same).filter_map(KeyTotals::sum).collect())
    }

    /// Returns the `n` clients with the most requests, the busiest first.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn top(
        &self,
        query: &UsageQuery,
        n: usize,
    ) -> Result<Vec<ClientTotals>, DatabaseError> {
        let rows = self.counts(query, Group::Client).await?;
        let clients = rows.chunk_by(|one, other| one.client == other.client);
        let mut clients: Vec<_> = clients.filter_map(ClientTotals::sum).collect();
        clients.sort_by_key(|client| Reverse(client.totals.requests));
        clients.truncate(n);
        Ok(clients)
    }

    /// Sums the counts of each minute, hour or day with any, the oldest first.
    ///
    /// Older counts were already summed by hour or day: see [`UsagePoint::bucket`].
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn series(
        &self,
        query: &UsageQuery,
        bucket: UsageBucket,
    ) -> Result<Vec<UsagePoint>, DatabaseError> {
        let rows = self.counts(query, Group::Time(bucket.seconds())).await?;
        Ok(UsagePoint::all(&rows, bucket))
    }

    /// Sums the counts of each client as [`UsageHistory::series`] does, in the order of names. Clients without any counts
    /// are left out.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn series_by_client(
        &self,
        query: &UsageQuery,
        bucket: UsageBucket,
    ) -> Result<Vec<ClientSeries>, DatabaseError> {
        let rows = self.counts(query, Group::ClientTime(bucket.seconds())).await?;
        let clients = rows.chunk_by(|one, other| one.client == other.client);
        Ok(clients.filter_map(|rows| ClientSeries::sum(rows, bucket)).collect())
    }

    async fn counts(
        &self,
        query: &UsageQuery,
        group: Group,
    ) -> Result<Vec<CountsRow>, DatabaseError> {
        let seconds = |time: Option<SystemTime>| time.map(|time| nanos(time) / 1_000_000_000);
        let UsageQuery { clients, since, until } = query;
        let (since, until) = (seconds(*since), seconds(*until));
        let query = CountsQuery { clients: clients.as_ref(), since, until, group };
        Ok(self.tables.counts(&query).await?)
    }
}

/// Converts seconds since 1970.
fn system_time(seconds: u64) -> SystemTime {
    time(seconds.saturating_mul(1_000_000_000))
}

impl fmt::Debug for UsageHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UsageHistory").field(&self.tables.place()).finish()
    }
}
