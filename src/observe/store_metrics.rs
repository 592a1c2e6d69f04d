use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::metrics::{describe_gauge, gauge};

use crate::store::MemoryStore;
#[cfg(feature = "postgres")]
use crate::store::Replica;
#[cfg(feature = "yaml")]
use crate::store::YamlStore;

const KEYS: &str = "keygate_keys";
const AGE: &str = "keygate_store_age_seconds";
const FAILING: &str = "keygate_store_failing_seconds";
const NEXT_EXPIRY: &str = "keygate_next_expiry_timestamp_seconds";

/// Sets the gauges of a store through the `metrics` facade. Call it from a timer, about every 15 seconds.
///
/// | gauge | meaning |
/// | --- | --- |
/// | `keygate_keys` | number of keys, without revoked ones |
/// | `keygate_store_age_seconds` | maximum age of the keys: time since the file was read, or since the last contact with the database; infinity if there was none |
/// | `keygate_store_failing_seconds` | time for which the store has failed to follow its file or database; 0 if it follows |
/// | `keygate_next_expiry_timestamp_seconds` | time at which the next active key expires, in seconds since 1970; infinity if none will |
///
/// The label `store` is `yaml` for a `YamlStore` (feature `yaml`), `replica` for a `Replica` (feature `postgres`) and
/// `memory` for a [`MemoryStore`](crate::MemoryStore). A `MemoryStore` follows nothing, and has the first and the last gauge alone.
///
/// # Limits
///
/// Two stores of one kind overwrite each other's gauges: record one of them.
///
/// Finding the next expiry visits all keys that expire, are disabled or are revoked, and their neighbours in the table:
/// this takes 11 ms for a million expiring keys. No request waits for it.
///
/// ```
/// use keygate::YamlStore;
/// use keygate::observe::record_store_metrics;
///
/// let store: YamlStore = "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?;
/// record_store_metrics(&store);
/// # Ok::<(), keygate::store::KeyFileError>(())
/// ```
///
/// In an async service:
///
/// ```
/// # use std::time::Duration;
/// # use keygate::YamlStore;
/// # use keygate::observe::record_store_metrics;
/// async fn record(store: YamlStore) {
///     loop {
///         record_store_metrics(&store);
///         tokio::time::sleep(Duration::from_secs(15)).await;
///     }
/// }
/// ```
pub fn record_store_metrics(store: &(impl StoreMetrics + ?Sized)) {
    describe_gauge!(KEYS, "Keys in the store, without revoked ones");
    describe_gauge!(AGE, "Seconds since the keys were known to be current");
    describe_gauge!(
        FAILING,
        "Seconds for which the store has failed to follow its file or database"
    );
    describe_gauge!(NEXT_EXPIRY, "Time at which the next key expires, in seconds since 1970");
    let now = SystemTime::now();
    let Gauges { store, keys, following, next_expiry } = store.gauges(now);
    // Exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    gauge!(KEYS, "store" => store).set(keys as f64);
    if let Some(Following { age, failing_since }) = following {
        let failing = failing_since.map(|since| now.duration_since(since).unwrap_or_default());
        gauge!(AGE, "store" => store).set(seconds(age));
        gauge!(FAILING, "store" => store).set(failing.unwrap_or_default().as_secs_f64());
    }
    let next = next_expiry.map(|expiry| expiry.duration_since(UNIX_EPOCH).unwrap_or_default());
    gauge!(NEXT_EXPIRY, "store" => store).set(seconds(next));
}

fn seconds(time: Option<Duration>) -> f64 {
    time.map_or(f64::INFINITY, |time| time.as_secs_f64())
}

/// A store that [`record_store_metrics`] supports because it holds its keys in memory: a
/// [`MemoryStore`](crate::MemoryStore), a `YamlStore`, a `Replica`, or an `Arc` of one.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::observe::{StoreMetrics, record_store_metrics};
///
/// fn record_all(stores: &[&dyn StoreMetrics]) {
///     stores.iter().for_each(|store| record_store_metrics(*store));
/// }
///
/// record_all(&[&MemoryStore::new()]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no gauges",
    label = "not a store of this crate that holds its keys in memory",
    note = "`MemoryStore`, `YamlStore` and `Replica` have gauges"
)]
pub trait StoreMetrics: sealed::Sealed {
    #[doc(hidden)]
    fn gauges(&self, now: SystemTime) -> Gauges;
}

#[derive(Debug)]
pub struct Gauges {
    store: &'static str,
    keys: usize,
    following: Option<Following>,
    next_expiry: Option<SystemTime>,
}

/// Whether a store follows its file or database, and how old its keys are.
#[derive(Debug)]
struct Following {
    age: Option<Duration>,
    failing_since: Option<SystemTime>,
}

impl StoreMetrics for MemoryStore {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let next_expiry = self.next_expiry(now);
        Gauges { store: "memory", keys: self.len(), following: None, next_expiry }
    }
}

#[cfg(feature = "yaml")]
impl StoreMetrics for YamlStore {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let health = self.health();
        let age = Some(now.duration_since(health.loaded).unwrap_or_default());
        let following = Some(Following { age, failing_since: health.failing_since });
        Gauges { store: "yaml", keys: health.keys, following, next_expiry: self.next_expiry(now) }
    }
}

#[cfg(feature = "postgres")]
impl StoreMetrics for Replica {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let health = self.health();
        let following = Some(Following { age: health.lag, failing_since: health.failing_since });
        let next_expiry = self.next_expiry(now);
        Gauges { store: "replica", keys: health.keys, following, next_expiry }
    }
}

impl<S: StoreMetrics + ?Sized> StoreMetrics for Arc<S> {
    fn gauges(&self, now: SystemTime) -> Gauges {
        (**self).gauges(now)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::store::MemoryStore {}
    #[cfg(feature = "yaml")]
    impl Sealed for crate::store::YamlStore {}
    #[cfg(feature = "postgres")]
    impl Sealed for crate::store::Replica {}
    impl<S: Sealed + ?Sized> Sealed for std::sync::Arc<S> {}
}
