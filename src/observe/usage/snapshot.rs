use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::key::KeyId;

/// The counts of a [`Usage`](crate::Usage).
///
/// It serializes under the names of its fields, which are stable; more may be added. Times are whole seconds since 1970,
/// rates are requests a minute, key ids are 16 hexadecimal digits, and [`Activity`] is flattened:
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::{Authenticator, MemoryStore, Usage};
///
/// let store = MemoryStore::new();
/// store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// let usage = Usage::new().with_clock(|| UNIX_EPOCH + Duration::from_secs(1_800_000_000));
/// let auth = Authenticator::new(store).add_observer(usage.clone());
/// let _ = auth.verify_key(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU");
///
/// let text = r#"{
///     "client": "User 1",
///     "requests": 1,
///     "replaced": 0,
///     "refused": {},
///     "first_seen": 1800000000,
///     "last_seen": 1800000000,
///     "rates": { "last_minute": 1.0, "last_5_minutes": 0.2, "last_60_minutes": 0.016666666666666666 },
///     "keys": [{
///         "key_id": "0363a007c1cfff40",
///         "requests": 1,
///         "replaced": 0,
///         "refused": {},
///         "first_seen": 1800000000,
///         "last_seen": 1800000000,
///         "rates": { "last_minute": 1.0, "last_5_minutes": 0.2, "last_60_minutes": 0.016666666666666666 }
///     }]
/// }"#;
/// let snapshot = serde_json::to_value(usage.snapshot())?;
/// assert_eq!(snapshot["since"], 1_800_000_000);
/// assert_eq!(snapshot["taken"], 1_800_000_000);
/// assert_eq!(snapshot["outcomes"]["admitted"], 1);
/// assert_eq!(snapshot["clients"][0], serde_json::from_str::<serde_json::Value>(text)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct UsageSnapshot {
    /// Time of the snapshot.
    #[serde(serialize_with = "unix_seconds")]
    pub taken: SystemTime,
    /// Start of counting.
    #[serde(serialize_with = "unix_seconds")]
    pub since: SystemTime,
    /// The number of each outcome since the start, of all callers, by its [`name`](crate::Outcome::name). Every name is
    /// present.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The clients, in the order of their names.
    pub clients: Vec<ClientUsage>,
}

/// The counts of one client: the sum of its keys.
///
/// See [`UsageSnapshot`] for an example.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClientUsage {
    /// The name of the client.
    pub client: String,
    /// The sum of its keys.
    #[serde(flatten)]
    pub activity: Activity,
    /// The keys it used, in the order in which they were first seen.
    pub keys: Vec<KeyUsage>,
}

/// The counts of one key.
///
/// See [`UsageSnapshot`] for an example.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KeyUsage {
    /// The public handle of the key.
    pub key_id: KeyId,
    /// Its counts.
    #[serde(flatten)]
    pub activity: Activity,
}

/// The counts of a client or a key. See [`Usage`](crate::Usage) for their definition.
///
/// See [`UsageSnapshot`] for an example.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Activity {
    /// Requests with a valid key.
    pub requests: u64,
    /// The requests among them whose key another one has replaced.
    pub replaced: u64,
    /// Refusals by the [`name`](crate::Outcome::name) of the outcome, for the outcomes that occurred.
    pub refused: BTreeMap<&'static str, u64>,
    /// Time of the first request.
    #[serde(serialize_with = "unix_seconds")]
    pub first_seen: SystemTime,
    /// Time of the last request.
    #[serde(serialize_with = "unix_seconds")]
    pub last_seen: SystemTime,
    /// Recent requests a minute.
    pub rates: Rates,
}

/// Requests a minute. The docs of [`Usage`](crate::Usage) say how exact they are.
///
/// See [`UsageSnapshot`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rates {
    /// Over the last minute.
    pub last_minute: f64,
    /// Over the last five minutes.
    pub last_5_minutes: f64,
    /// Over the last hour.
    pub last_60_minutes: f64,
}

/// One of the busiest clients.
///
/// It serializes under the names of its fields.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Usage};
///
/// let usage = Usage::new();
/// let auth = Authenticator::new(MemoryStore::new()).add_observer(usage.clone());
/// for client in usage.top(10) {
///     match client.ratio() {
///         Some(ratio) => println!("{}: {ratio:.1} times its rate of the hour before", client.client),
///         None => println!("{}: no requests before", client.client),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TopClient {
    /// The name of the client.
    pub client: String,
    /// Requests in the last minute.
    pub per_minute: f64,
    /// Requests a minute in the other 59 minutes of the last hour, or in the part of them that the
    /// [`Usage`](crate::Usage) has counted; `None` if that part is shorter than a minute.
    pub per_minute_before: Option<f64>,
}

impl TopClient {
    /// The current rate divided by the rate before; `None` if that is zero or unknown.
    pub fn ratio(&self) -> Option<f64> {
        let before = self.per_minute_before.filter(|before| *before > 0.0)?;
        Some(self.per_minute / before)
    }
}

pub(super) fn unix_seconds<S: Serializer>(
    time: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
