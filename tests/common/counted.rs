//! A service that counts usage, with a fake clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::observe::{UsageHistory, UsageQuery};
use keygate::testing::FakeClock;
use keygate::{Authenticator, KeyDigest, KeyId, KeyRecord, MemoryStore, Usage};

/// The middle of a minute at noon, in seconds since 1970.
pub(crate) const START: u64 = 1_800_014_430;

/// The keys `a 1`, `a 2`, `a expired` and `a replaced` of `A`, and `b 1` of `B`.
pub(crate) struct Counted {
    pub(crate) usage: Usage,
    pub(crate) clock: FakeClock,
    auth: Authenticator<MemoryStore>,
}

impl Counted {
    pub(crate) fn new() -> Self {
        let clock = FakeClock::at(at(0));
        let usage = Usage::new().with_clock(clock.reader());
        let store = MemoryStore::new();
        for (key, client) in [("a 1", "A"), ("a 2", "A"), ("b 1", "B")] {
            store.insert_record(KeyRecord::new(digest(key), client)).unwrap();
        }
        let old = KeyRecord::new(digest("a replaced"), "A").with_replaced(true);
        store.insert_record(old).unwrap();
        let expired = KeyRecord::new(digest("a expired"), "A").with_expiry(UNIX_EPOCH);
        store.insert_record(expired).unwrap();
        let auth = Authenticator::new(store).add_observer(usage.clone());
        Self { usage, clock, auth }
    }

    pub(crate) fn calls(&self, key: &str, count: u64) {
        for _ in 0..count {
            let _ = self.auth.verify_key(key.as_bytes());
        }
    }
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(START + seconds)
}

pub(crate) fn digest(key: &str) -> KeyDigest {
    KeyDigest::of(key.as_bytes())
}

pub(crate) fn id(key: &str) -> KeyId {
    KeyRecord::new(digest(key), "").key_id()
}

/// All requests in the history, by key: `A 0123456789abcdef 3 {"expired": 1}`.
pub(crate) async fn kept(history: &UsageHistory) -> Vec<String> {
    let keys = history.keys(&UsageQuery::new()).await.unwrap();
    let line = |key: &keygate::observe::KeyTotals| {
        format!("{} {} {} {:?}", key.client, key.key_id, key.totals.requests, key.totals.refused)
    };
    keys.iter().map(line).collect()
}

pub(crate) async fn requests(history: &UsageHistory) -> u64 {
    let keys = history.keys(&UsageQuery::new()).await.unwrap();
    keys.iter().map(|key| key.totals.requests).sum()
}
