//! Who is calling: how much, since when, and what was refused.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use papaya::Equivalent;
use smol_str::SmolStr;

use crate::client_map::ClientMap;
use crate::clock::{self, Clock, nanos};
use crate::digest::KeyId;
use crate::observe::{Kind, Observe, Outcome};

mod counts;
mod gather;
mod snapshot;
mod stripes;
mod windows;

use counts::Counts;
use gather::time;
pub use snapshot::{Activity, ClientUsage, KeyUsage, Rates, TopClient, UsageSnapshot};
use stripes::Stripes;

/// Counts who is calling: per client and key, how many requests, how many a minute, since when, and what
/// was refused.
///
/// It is an observer, which an [`Authenticator`](crate::Authenticator) is given, and a handle: clones
/// share what they count. It counts from its start, in this process alone.
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
/// # Ok::<(), keygate::KeyError>(())
/// ```
///
/// # What is counted
///
/// | | counts |
/// | --- | --- |
/// | requests | those whose key was right, also where a scope or a quota refused them afterwards |
/// | refused | by [`Outcome::name`]: `insufficient_scope`, `throttled`, and `unavailable` where the counters of quotas were, which are among the requests; `expired`, `revoked`, `disabled`, and `too_many_failures` of such keys, which are not |
/// | first and last seen | any of these |
/// | rates | requests a minute, over the last 1, 5 and 60 minutes |
///
/// A window ends now, and is kept in twelve parts: of 5 seconds, 25 seconds and 5 minutes. It begins
/// within one of them, whose requests count in part, as if they had come evenly; so a rate is exact but
/// for what came in that one part. A client that was first seen a minute ago has a rate over 60 minutes all
/// the same: that of an hour in which it was silent for 59.
///
/// Requests without a key, and with keys that no client has, are counted by outcome and nothing else:
/// whatever callers send, it takes no memory.
///
/// # Cost and limits
///
/// Counting takes no lock, and allocates nothing for a key that was seen before, but once where two threads
/// count the same key at the very same instant: from then on, each has counters of its own for it.
///
/// A key takes less than 1 KiB, and up to 4 KiB more where threads meet (up to 512 bytes for each processor).
/// One that has not been seen for 40 days is forgotten, and its client with its last key; so is one that
/// was revoked or removed, once it is not presented any more. What was counted of it stays in
/// [`UsageSnapshot::outcomes`] alone. Should it come back, its counts begin anew, as its first seen tells.
/// A client whose name changes is another one.
///
/// The clock may be set: rates then begin anew, or count what the clock has skipped as silence. One that skips 40
/// days, such as one that begins in 1970, makes it forget who was seen before.
#[derive(Clone)]
pub struct Usage {
    shared: Arc<Shared>,
    clock: Option<Clock>,
    /// In nanoseconds since 1970.
    since: u64,
}

struct Shared {
    keys: ClientMap<Key, Counts>,
    /// Of whom nobody knows who they are.
    strangers: Stripes,
    forgotten: [AtomicU64; Kind::COUNT],
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    key_id: KeyId,
    client: SmolStr,
}

/// A borrowed [`Key`]; both hash alike.
#[derive(Hash)]
struct KeyRef<'a> {
    key_id: KeyId,
    client: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    #[inline]
    fn equivalent(&self, key: &Key) -> bool {
        self.key_id == key.key_id && self.client == key.client
    }
}

impl KeyRef<'_> {
    fn to_key(&self) -> Key {
        Key { key_id: self.key_id, client: self.client.into() }
    }
}

/// Long enough for those who call once a month.
const MEMORY: Duration = Duration::from_secs(40 * 24 * 60 * 60);

/// Nanoseconds from the looking after of a part of the keys to that of the next: of all, within a day.
const INTERVAL: u64 = 300_000_000_000;

impl Usage {
    /// Begins to count.
    pub fn new() -> Self {
        let shared = Shared {
            keys: ClientMap::with_interval(INTERVAL),
            strangers: Stripes::new(),
            forgotten: [const { AtomicU64::new(0) }; Kind::COUNT],
        };
        Self { shared: Arc::new(shared), clock: None, since: nanos(SystemTime::now()) }
    }

    /// Replaces the clock, from the start.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { since: nanos(clock()), clock: Some(Arc::new(clock)), ..self }
    }

    /// All that is counted, as it is now. It takes time and memory for every client, and is made for
    /// people and tools that ask now and then.
    pub fn snapshot(&self) -> UsageSnapshot {
        let now = self.now();
        UsageSnapshot {
            taken: time(now),
            since: time(self.since),
            outcomes: self.shared.outcomes(),
            clients: gather::clients(&self.shared.keys, now),
        }
    }

    /// The clients that make the most requests now, the loudest first; those that made none in the last
    /// minute are left out. Of the hour before, what came before this `Usage` is left out, too.
    pub fn top(&self, n: usize) -> Vec<TopClient> {
        gather::top(&self.shared.keys, self.since, self.now(), n)
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
        let kind = Kind::of(outcome);
        match (outcome.client(), outcome.key_id()) {
            (Some(client), Some(key_id)) => self.shared.count(client.name(), key_id, kind, now),
            _ => self.shared.strangers.here().add(kind, now),
        }
    }
}

impl Shared {
    #[inline]
    fn count(&self, client: &str, key_id: KeyId, kind: Kind, now: u64) {
        let key = KeyRef { key_id, client };
        let shard = self.keys.shard(&key);
        let counts = shard
            .get(&key)
            .unwrap_or_else(|| shard.get_or_insert_with(key.to_key(), || Counts::new(key_id, now)));
        counts.add(kind, now);
        drop(shard);
        self.keys.sweep(now, |counts| self.may_forget(counts, now));
    }

    fn may_forget(&self, counts: &Counts, now: u64) -> bool {
        let silence = Duration::from_nanos(now.saturating_sub(counts.last_seen()));
        let may = silence >= MEMORY;
        if may {
            for kind in Kind::all() {
                self.forgotten[kind.place()].fetch_add(counts.count(kind), Ordering::Relaxed);
            }
        }
        may
    }

    fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        let mut outcomes = BTreeMap::new();
        let mut add = |kind: Kind, count| *outcomes.entry(kind.name()).or_default() += count;
        for kind in Kind::all() {
            add(kind, self.forgotten[kind.place()].load(Ordering::Relaxed));
            add(kind, self.strangers.iter().map(|stripe| stripe.count(kind)).sum());
        }
        self.keys.for_each(|_, counts| Kind::all().for_each(|kind| add(kind, counts.count(kind))));
        outcomes
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("outcomes", &self.shared.outcomes()).finish_non_exhaustive()
    }
}
