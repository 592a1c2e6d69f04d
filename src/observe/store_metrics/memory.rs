use std::time::SystemTime;

use super::{Gauges, StoreMetrics, sealed};
use crate::store::MemoryStore;

impl sealed::Sealed for MemoryStore {}

impl StoreMetrics for MemoryStore {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let next_expiry = self.next_expiry(now);
        Gauges { store: "memory", keys: self.len(), following: None, next_expiry }
    }
}
