//! A store with three clients, and `Usage` with a fake clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::observe::{Activity, UsageSnapshot};
use keygate::testing::FakeClock;
use keygate::{Authenticator, Client, KeyDigest, KeyRecord, MemoryStore, Usage};

/// The start of each test, in seconds since 1970. A part of every window starts at this time.
pub(crate) const START: u64 = 1_800_000_000;

pub(crate) struct Fixture {
    pub(crate) usage: Usage,
    pub(crate) auth: Authenticator<MemoryStore>,
    clock: FakeClock,
}

impl Fixture {
    /// The keys are `a 1` and `a 2` of `A`, `b 1` of `B`, and so on.
    pub(crate) fn new() -> Self {
        let clock = FakeClock::at(at(0.0));
        let usage = Usage::new().with_clock(clock.reader());
        let auth = Authenticator::new(store()).add_observer(usage.clone());
        Self { usage, auth, clock }
    }

    /// Sets the clock to this time after the start.
    pub(crate) fn set_seconds(&self, seconds: f64) {
        self.clock.set(at(seconds));
    }

    pub(crate) fn call(&self, key: &str) -> Option<Client> {
        self.auth.verify_key(key.as_bytes()).ok()
    }

    pub(crate) fn calls(&self, key: &str, count: usize) {
        (0..count).for_each(|_| drop(self.call(key)));
    }

    pub(crate) fn of(&self, client: &str) -> Activity {
        of(&self.usage.snapshot(), client).expect("the client was seen")
    }
}

pub(crate) fn of(snapshot: &UsageSnapshot, client: &str) -> Option<Activity> {
    let usage = snapshot.clients.iter().find(|usage| usage.client == client)?;
    Some(usage.activity.clone())
}

pub(crate) fn at(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(START) + Duration::from_secs_f64(seconds)
}

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let record = |key: &str, name: &str| KeyRecord::new(KeyDigest::of(key.as_bytes()), name);
    for record in [
        record("a 1", "A"),
        record("a 2", "A"),
        record("a expired", "A").with_expiry(UNIX_EPOCH),
        record("a revoked", "A").with_state(KeyState::Revoked),
        record("b 1", "B"),
        record("b disabled", "B").with_state(KeyState::Disabled),
        record("c 1", "C"),
    ] {
        store.insert_record(record).unwrap();
    }
    store
}
