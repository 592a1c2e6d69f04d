//! The store in memory. Of the faults in the list, only a wrong clock affects it.

use std::time::{Duration, UNIX_EPOCH};

use keygate::{KeyDigest, KeyRecord, MemoryStore, NewKey};

use crate::recovering::faults::{Fault, Fixture, Meanwhile, key, recovers_from_every_fault};

struct Memory(MemoryStore);

impl Fixture for Memory {
    type Store = MemoryStore;

    const MEANWHILE: Meanwhile = Meanwhile::Kept;

    fn store(&self) -> MemoryStore {
        self.0.clone()
    }

    fn make(&mut self, _: Fault) -> bool {
        false
    }

    fn repair(&mut self, _: Fault) {}

    fn issue(&mut self, keys: &[String]) {
        self.0.add_client("App 1").unwrap();
        // 2199-01-01
        let passing = UNIX_EPOCH + Duration::from_secs(7_226_582_400);
        for name in keys {
            let new = NewKey::new(KeyDigest::of(key(name).as_bytes()));
            self.0.issue("App 1", new.with_expiry((name == "passing").then_some(passing))).unwrap();
        }
    }

    fn revoke(&mut self, key: &str) {
        let id = KeyRecord::new(KeyDigest::of(crate::recovering::faults::key(key).as_bytes()), "")
            .key_id();
        self.0.revoke(&id).unwrap();
    }
}

#[tokio::test]
async fn memory_store_recovers_from_every_fault() {
    recovers_from_every_fault(Memory(MemoryStore::new())).await;
}
