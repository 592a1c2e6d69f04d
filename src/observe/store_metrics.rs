use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::metrics::{describe_gauge, gauge};

use crate::record::KeyState;
use crate::store::YamlStore;

const KEYS: &str = "keygate_keys";
const AGE: &str = "keygate_store_age_seconds";
const FAILING: &str = "keygate_store_failing_seconds";
const NEXT_EXPIRY: &str = "keygate_next_expiry_timestamp_seconds";

/// Sets the gauges of a store, through the `metrics` facade. Call it from a timer of the service, about
/// once in a quarter of a minute; it takes as long as [`YamlStore::list_keys`].
///
/// | gauge | meaning |
/// | --- | --- |
/// | `keygate_keys` | how many keys there are, revoked ones aside |
/// | `keygate_store_age_seconds` | how long ago the file was read from which the store has what it holds |
/// | `keygate_store_failing_seconds` | for how long the store has not followed its file; 0 where it does |
/// | `keygate_next_expiry_timestamp_seconds` | when the next of the keys that work expires, in seconds since 1970; infinity where none will |
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
pub fn record_store_metrics(store: &YamlStore) {
    describe_gauge!(KEYS, "Keys in the store, revoked ones aside");
    describe_gauge!(AGE, "Seconds since the file was read that the store holds");
    describe_gauge!(FAILING, "Seconds for which the store has not followed its file");
    describe_gauge!(NEXT_EXPIRY, "When the next key expires, in seconds since 1970");
    let (now, health) = (SystemTime::now(), store.health());
    let ago = |time: SystemTime| now.duration_since(time).unwrap_or_default();
    // Exact as far as 2^53.
    #[allow(clippy::cast_precision_loss)]
    gauge!(KEYS).set(health.keys as f64);
    gauge!(AGE).set(ago(health.loaded));
    gauge!(FAILING).set(health.failing_since.map_or(Duration::ZERO, ago));
    let expiry = next_expiry(store, now);
    let since = expiry.map(|expiry| expiry.duration_since(UNIX_EPOCH).unwrap_or_default());
    gauge!(NEXT_EXPIRY).set(since.map_or(f64::INFINITY, |since| since.as_secs_f64()));
}

fn next_expiry(store: &YamlStore, now: SystemTime) -> Option<SystemTime> {
    let keys = store.list_keys(None).unwrap_or_default().into_iter();
    let works = keys.filter(|key| key.state == KeyState::Active);
    works.filter_map(|key| key.expires).filter(|expires| *expires > now).min()
}
