use std::time::SystemTime;

use super::following::Following;
use super::{Gauges, StoreMetrics, sealed};
use crate::store::Replica;

impl sealed::Sealed for Replica {}

impl StoreMetrics for Replica {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let health = self.health();
        let following = Some(Following::new(health.lag, health.failing_since, now));
        let next_expiry = self.next_expiry(now);
        Gauges { store: "replica", keys: health.keys, following, next_expiry }
    }
}
