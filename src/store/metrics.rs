use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::metrics::{describe_gauge, gauge};

use super::MemoryStore;
#[cfg(feature = "postgres")]
use super::Replica;
#[cfg(feature = "yaml")]
use super::YamlStore;

const KEYS: &str = "keygate_keys";
const AGE: &str = "keygate_store_age_seconds";
const FAILING: &str = "keygate_store_failing_seconds";
const NEXT_EXPIRY: &str = "keygate_next_expiry_timestamp_seconds";

/// Sets the gauges of a store, through the `metrics` facade. Call it from a timer of the service, about
/// once in a quarter of a minute.
///
/// | gauge | meaning |
/// | --- | --- |
/// | `keygate_keys` | how many keys there are, revoked ones aside |
/// | `keygate_store_age_seconds` | how old what the store holds is at the most: how long ago the file was read, or the database last heard of; infinity where it never was |
/// | `keygate_store_failing_seconds` | for how long the store has not followed its file or database; 0 where it does |
/// | `keygate_next_expiry_timestamp_seconds` | when the next of the keys that work expires, in seconds since 1970; infinity where none will |
///
/// The stores that hold their keys in memory have them, and the label `store` tells which one it is: `yaml`
/// for a `YamlStore` (feature `yaml`), `replica` for a `Replica` (feature `postgres`), `memory` for a
/// [`MemoryStore`]. A `MemoryStore` follows nothing: its age and how long it has been failing are not set.
///
/// # Limits
///
/// Two stores of one kind set the same gauges, each over the other: tell of one of them.
///
/// For the next expiry, it looks at the keys that expire, are disabled or revoked, and at those beside them:
/// 11 ms for a million that expire. No request waits for that.
///
/// ```
/// use keygate::{YamlStore, record_store_metrics};
///
/// let store: YamlStore = "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?;
/// record_store_metrics(&store);
/// # Ok::<(), keygate::YamlError>(())
/// ```
///
/// In an async service:
///
/// ```
/// # use std::time::Duration;
/// # use keygate::{YamlStore, record_store_metrics};
/// async fn record(store: YamlStore) {
///     loop {
///         record_store_metrics(&store);
///         tokio::time::sleep(Duration::from_secs(15)).await;
///     }
/// }
/// ```
pub fn record_store_metrics(store: &(impl Gauged + ?Sized)) {
    describe_gauge!(KEYS, "Keys in the store, revoked ones aside");
    describe_gauge!(AGE, "Seconds since what the store holds was known to be so");
    describe_gauge!(FAILING, "Seconds for which the store has not followed its file or database");
    describe_gauge!(NEXT_EXPIRY, "When the next key expires, in seconds since 1970");
    let Gauges { store, keys, following, next_expiry } = store.gauges(SystemTime::now());
    // Exact as far as 2^53.
    #[allow(clippy::cast_precision_loss)]
    gauge!(KEYS, "store" => store).set(keys as f64);
    if let Some(Following { age, failing }) = following {
        gauge!(AGE, "store" => store).set(age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        gauge!(FAILING, "store" => store).set(failing.as_secs_f64());
    }
    let since = next_expiry.map(|expiry| expiry.duration_since(UNIX_EPOCH).unwrap_or_default());
    let since = since.map_or(f64::INFINITY, |since| since.as_secs_f64());
    gauge!(NEXT_EXPIRY, "store" => store).set(since);
}

/// A store that holds its keys in memory, of which [`record_store_metrics`] can tell: a [`MemoryStore`], a
/// `YamlStore`, a `Replica`, or an `Arc` around one.
///
/// ```
/// use keygate::{Gauged, MemoryStore, record_store_metrics};
///
/// fn record_all(stores: &[&dyn Gauged]) {
///     stores.iter().for_each(|store| record_store_metrics(*store));
/// }
///
/// record_all(&[&MemoryStore::new()]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no gauges",
    label = "this store does not hold its keys in memory, or is not one of this crate",
    note = "`MemoryStore`, `YamlStore` and `Replica` have gauges"
)]
pub trait Gauged: sealed::Sealed {
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

/// Of a store that follows something.
#[derive(Debug)]
struct Following {
    age: Option<Duration>,
    failing: Duration,
}

impl Following {
    #[cfg(any(feature = "yaml", feature = "postgres"))]
    fn new(age: Option<Duration>, failing_since: Option<SystemTime>, now: SystemTime) -> Self {
        Self { age, failing: failing_since.map(|since| ago(since, now)).unwrap_or_default() }
    }
}

/// Zero where the clock was set back since.
#[cfg(any(feature = "yaml", feature = "postgres"))]
fn ago(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}

impl Gauged for MemoryStore {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let next_expiry = self.next_expiry(now);
        Gauges { store: "memory", keys: self.len(), following: None, next_expiry }
    }
}

#[cfg(feature = "yaml")]
impl Gauged for YamlStore {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let health = self.health();
        let age = Some(ago(health.loaded, now));
        let following = Some(Following::new(age, health.failing_since, now));
        Gauges { store: "yaml", keys: health.keys, following, next_expiry: self.next_expiry(now) }
    }
}

#[cfg(feature = "postgres")]
impl Gauged for Replica {
    fn gauges(&self, now: SystemTime) -> Gauges {
        let health = self.health();
        let following = Some(Following::new(health.lag, health.failing_since, now));
        let next_expiry = self.next_expiry(now);
        Gauges { store: "replica", keys: health.keys, following, next_expiry }
    }
}

impl<S: Gauged + ?Sized> Gauged for Arc<S> {
    fn gauges(&self, now: SystemTime) -> Gauges {
        (**self).gauges(now)
    }
}

mod sealed {
    use std::sync::Arc;

    pub trait Sealed {}
    impl Sealed for super::MemoryStore {}
    #[cfg(feature = "yaml")]
    impl Sealed for super::YamlStore {}
    #[cfg(feature = "postgres")]
    impl Sealed for super::Replica {}
    impl<S: Sealed + ?Sized> Sealed for Arc<S> {}
}
