use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::{Observe, Outcome, OutcomeKind};
use crate::client::client_map::{ClientKey, ClientKeyRef, ClientMap};
use crate::clock::{self, Clock, nanos};
use crate::key::KeyId;

mod aggregate;
mod counts;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod history;
mod snapshot;
mod windows;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod writer;

use aggregate::time;
use counts::{Counts, KindCounts};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use history::{
    ClientLastUse, ClientSeries, ClientTotals, KeyTotals, LastUses, UsageBucket, UsageHistory,
    UsagePoint, UsageQuery, UsageTotals, UsageWatch, state_folder,
};
pub use snapshot::{Activity, ClientUsage, KeyUsage, Rates, TopClient, UsageSnapshot};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use writer::{UsageWriter, UsageWriterHealth};

/// Counts requests and refusals per client and key, with their rates and the times of the first and last request.
///
/// It is an observer of an [`Authenticator`](crate::Authenticator), and a handle: clones share their counts. It counts
/// the requests of this process since its creation.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Usage};
///
/// let store = MemoryStore::new();
/// store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// let usage = Usage::new();
/// let auth = Authenticator::new(store).add_observer(usage.clone());
///
/// let _ = auth.verify_key(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU");
/// let _ = auth.verify_key(b"a key that nobody has");
/// let snapshot = usage.snapshot();
/// assert_eq!(snapshot.clients[0].client, "User 1");
/// assert_eq!(snapshot.clients[0].activity.requests, 1);
/// assert_eq!(snapshot.outcomes["unknown"], 1);
/// assert_eq!(usage.top(3)[0].per_minute, 1.0);
/// # Ok::<(), keygate::manage::KeyError>(())
/// ```
///
/// # What is counted
///
/// | | counts |
/// | --- | --- |
/// | requests | requests with a valid key, even if they were refused later because of a scope or quota |
/// | refused | by [`Outcome::name`]. Requests refused as `insufficient_scope`, `throttled`, or `unavailable` because of the counters of quotas also count as requests; those refused as `expired`, `not_yet_valid`, `revoked`, `disabled`, `network` or `sent_in_clear`, or as `too_many_failures` with such a key, do not |
/// | first and last seen | both of these |
/// | rates | requests a minute, over the last 1, 5 and 60 minutes |
///
/// Each window ends now and has twelve parts, of 5 seconds, 25 seconds or 5 minutes. It usually starts in the middle of
/// a part. The requests of this part count in proportion, as if they were spread evenly; all others count exactly. A
/// window always has its full length: if a client was first seen a minute ago, its last 60 minutes include 59 minutes
/// without requests.
///
/// Requests without a key, or with an unknown key, are only counted by outcome, so that unknown keys take no memory.
///
/// A [`UsageWriter`](crate::observe::UsageWriter) saves these counts across restarts.
///
/// # Cost and limits
///
/// Counting takes no lock, and allocates nothing for a key that was seen before.
///
/// A key takes less than 1 KiB. A key that has not been seen for 40 days is dropped, and its client with its last key.
/// This includes keys that were revoked or removed. Its counts remain in [`UsageSnapshot::outcomes`] only. If it is used
/// again, its counts start at zero, with a new time of its first request. A client with a new name is counted as
/// another client.
///
/// If the clock is set back, rates start anew; if it is set forward, the skipped time counts as silence. A clock that
/// skips 40 days, such as one that starts in 1970, drops all keys seen before.
#[derive(Clone)]
pub struct Usage {
    shared: Arc<Shared>,
    clock: Option<Clock>,
    /// Start of counting, in nanoseconds since 1970.
    since: u64,
}

struct Shared {
    keys: ClientMap<Key, Counts>,
    /// Counts of requests whose key is missing or unknown, or was dropped here.
    others: KindCounts,
    #[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
    has_writer: AtomicBool,
    /// Start of the loaded history, in nanoseconds since 1970, or `u64::MAX`.
    past_since: AtomicU64,
}

type Key = ClientKey<KeyId>;

/// Long enough to keep clients that call once a month.
const RETENTION: Duration = Duration::from_secs(40 * 24 * 60 * 60);

/// Nanoseconds between the sweeps of two shards: all are swept within a day.
const INTERVAL: u64 = 300_000_000_000;

impl Usage {
    /// Creates a `Usage` that counts from now on.
    pub fn new() -> Self {
        let shared = Shared {
            keys: ClientMap::with_interval(INTERVAL),
            others: KindCounts::default(),
            has_writer: AtomicBool::new(false),
            past_since: AtomicU64::new(u64::MAX),
        };
        Self { shared: Arc::new(shared), clock: None, since: nanos(SystemTime::now()) }
    }

    /// Replaces the clock, and starts to count at its time.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { since: nanos(clock()), clock: Some(Arc::new(clock)), ..self }
    }

    /// Copies all counts. This takes time and memory for each client, so do not call it per request.
    pub fn snapshot(&self) -> UsageSnapshot {
        let now = self.now();
        UsageSnapshot {
            taken: time(now),
            since: time(self.since.min(self.shared.past_since.load(Ordering::Relaxed))),
            outcomes: self.shared.outcomes(),
            clients: aggregate::clients(&self.shared.keys, now),
        }
    }

    /// Returns the `n` clients with the most requests in the last minute, the busiest first, without clients that had
    /// none. The rate before covers the rest of the last hour, but begins no earlier than this `Usage`.
    pub fn top(&self, n: usize) -> Vec<TopClient> {
        aggregate::top(&self.shared.keys, self.since, self.now(), n)
    }

    #[inline]
    fn now(&self) -> u64 {
        nanos(clock::now(self.clock.as_ref()))
    }
}

impl Default for Usage {
    fn default() -> Self {
        Self::new()
    }
}

impl Observe for Usage {
    fn observe(&self, outcome: &Outcome<'_>) {
        let now = self.now();
        let kind = outcome.kind();
        match (outcome.client(), outcome.key_id()) {
            (Some(client), Some(key_id)) => {
                let is_replaced = outcome.is_replaced();
                self.shared.count(client.name(), key_id, kind, is_replaced, now);
            }
            (None, _) | (Some(_), None) => self.shared.others.add(kind, 1),
        }
    }
}

impl Shared {
    #[inline]
    fn count(&self, client: &str, key_id: KeyId, kind: OutcomeKind, is_replaced: bool, now: u64) {
        let key = ClientKeyRef { of: &key_id, client };
        let shard = self.keys.shard(&key_id);
        let counts = shard.get(&key).unwrap_or_else(|| {
            let key = ClientKey { of: key_id, client: client.into() };
            shard.get_or_insert_with(key, || Counts::new(now))
        });
        counts.add(kind, now);
        if is_replaced {
            counts.add_replaced();
        }
        drop(shard);
        self.keys.sweep(now, |counts| self.drop_idle(counts, now));
    }

    fn drop_idle(&self, counts: &Counts, now: u64) -> bool {
        let silence = Duration::from_nanos(now.saturating_sub(counts.last_seen()));
        let is_idle = silence >= RETENTION;
        if is_idle {
            for kind in OutcomeKind::ALL.iter().copied() {
                self.others.add(kind, counts.count(kind));
            }
        }
        is_idle
    }

    fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        let kinds = OutcomeKind::ALL.iter();
        let mut outcomes: BTreeMap<_, _> =
            kinds.map(|kind| (kind.name(), self.others.count(*kind))).collect();
        self.keys.for_each(|_, counts| {
            for kind in OutcomeKind::ALL {
                *outcomes.entry(kind.name()).or_default() += counts.count(*kind);
            }
        });
        outcomes
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("outcomes", &self.shared.outcomes()).finish_non_exhaustive()
    }
}
