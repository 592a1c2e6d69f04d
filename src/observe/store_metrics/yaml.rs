use std::time::SystemTime;

use super::following::{Following, ago};
use super::{Gauges, StoreMetrics, sealed};
use crate::store::YamlStore;

impl sealed::Sealed for YamlStore {}

impl StoreMetrics for YamlStore {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let health = self.health();
        let age = Some(ago(health.loaded, now));
        let following = Some(Following::new(age, health.failing_since, now));
        Gauges { store: "yaml", keys: health.keys, following, next_expiry: self.next_expiry(now) }
    }
}
