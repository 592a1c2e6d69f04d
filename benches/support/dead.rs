//! Requests with 10,000 revoked or expired keys in the store, and after these were purged.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::manage::PurgeKeys;
use keygate::{KeyDigest, KeyRecord, MemoryStore, verify};

use super::effort::Effort;
use super::headers::of_headers;
use super::keys::{key, name};
use super::probes::Probes;
use super::rounds::Rounds;
use super::stores::store;
use super::table::{Table, Unit};

const DEAD: u64 = 10_000;

/// The bound of a request at 1,000 keys compared with one key: dead keys make the table longer, and cost nothing else.
const BOUND: f64 = 1.1;

const WITHOUT: &str = "without dead keys";
const BESIDE: &str = "beside 10,000 dead keys";
const PURGED: &str = "after these were purged";

pub(crate) fn dead_keys(effort: Effort, size: u64) {
    let count = effort.pick(100, 20_000, 100_000);
    let purged = with_dead_keys(size);
    let now = SystemTime::now();
    let purge = PurgeKeys::new().revoked_before(now).expired_before(now);
    let keys = purged.purge_keys(&purge).expect("a store in memory can be changed");
    assert_eq!(keys.len() as u64, DEAD);
    let mut subjects = Rounds::new();
    for (name, store) in [(WITHOUT, store(size)), (BESIDE, with_dead_keys(size)), (PURGED, purged)]
    {
        let probes = Probes::picks(size, effort.pick(100, 1 << 16, 1 << 16));
        subjects.add(
            name,
            of_headers(count, probes, move |headers| {
                verify(&store, headers).expect("the key is admitted")
            }),
        );
    }
    let figures = subjects.run(effort.pick(1, 7, 31));
    let mut table = Table::of_ratios();
    for name in [BESIDE, PURGED] {
        let unit = Unit("ns", 1.0, 0);
        table.compare(&format!("{name} / {WITHOUT}"), unit, &figures, [name, WITHOUT], BOUND);
    }
    table.print(&format!("one request (`verify`), keys that work: {size}"));
}

/// Half of them were revoked, and half have expired.
fn with_dead_keys(size: u64) -> MemoryStore {
    let store = store(size);
    for number in size..size + DEAD {
        let record = KeyRecord::new(KeyDigest::of(&key(number)), name(number));
        let record = if number % 2 == 0 {
            record.with_state(KeyState::Revoked)
        } else {
            record.with_expiry(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
        };
        store.insert_record(record).expect("the keys differ");
    }
    store
}
