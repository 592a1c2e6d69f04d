use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::digest::KeyId;

/// What a [`Usage`](crate::Usage) has counted.
///
/// It serializes under the names of its fields, which stay as they are; more may be added. Times are
/// whole seconds since 1970, rates are requests a minute, key ids are their 16 hexadecimal digits, and
/// [`Activity`] stands in line with what surrounds it:
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
///     "refused": {},
///     "first_seen": 1800000000,
///     "last_seen": 1800000000,
///     "rates": { "last_minute": 1.0, "last_5_minutes": 0.2, "last_60_minutes": 0.016666666666666666 },
///     "keys": [{
///         "key_id": "0363a007c1cfff40",
///         "requests": 1,
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
    /// When it was taken.
    #[serde(serialize_with = "unix_seconds")]
    pub taken: SystemTime,
    /// Since when there has been counting.
    #[serde(serialize_with = "unix_seconds")]
    pub since: SystemTime,
    /// How often there was each outcome, by its [`name`](crate::Outcome::name), of all callers since the
    /// start. All names are there.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The clients, in the order of their names.
    pub clients: Vec<ClientUsage>,
}

/// What was counted of one client: of all its keys together.
///
/// See [`UsageSnapshot`] for an example.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClientUsage {
    /// The name of the client.
    pub client: String,
    /// What it did.
    #[serde(flatten)]
    pub activity: Activity,
    /// The keys that it used, in the order in which they were first seen.
    pub keys: Vec<KeyUsage>,
}

/// What was counted of one key.
///
/// See [`UsageSnapshot`] for an example.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KeyUsage {
    /// The public handle of the key.
    #[serde(serialize_with = "text")]
    pub key_id: KeyId,
    /// What was done with it.
    #[serde(flatten)]
    pub activity: Activity,
}

/// What a client did, or one of its keys. [`Usage`](crate::Usage) says what counts as what.
///
/// See [`UsageSnapshot`] for an example.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Activity {
    /// How many requests its key let in.
    pub requests: u64,
    /// How many were refused, by the [`name`](crate::Outcome::name) of the outcome; those that never
    /// occurred are left out.
    pub refused: BTreeMap<&'static str, u64>,
    /// When it was seen first.
    #[serde(serialize_with = "unix_seconds")]
    pub first_seen: SystemTime,
    /// When it was seen last.
    #[serde(serialize_with = "unix_seconds")]
    pub last_seen: SystemTime,
    /// How many requests a minute there were of late.
    pub rates: Rates,
}

/// Requests a minute. [`Usage`](crate::Usage) says how exact they are.
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

/// One of the clients that make the most requests now.
///
/// It serializes under the names of its fields.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Usage};
///
/// let usage = Usage::new();
/// let auth = Authenticator::new(MemoryStore::new()).add_observer(usage.clone());
/// for loud in usage.top(10) {
///     match loud.ratio() {
///         Some(ratio) => println!("{}: {ratio:.1} times its rate of the hour before", loud.client),
///         None => println!("{}: silent before, or nobody was counted", loud.client),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TopClient {
    /// The name of the client.
    pub client: String,
    /// How many requests it made in the last minute.
    pub per_minute: f64,
    /// How many a minute it made before that, in the other 59 minutes of the last hour, or as many of them as
    /// there are since the [`Usage`](crate::Usage) began to count; `None` where that is not one.
    pub per_minute_before: Option<f64>,
}

impl TopClient {
    /// How many times the rate of before there is now; `None` where there was none before, or where that is not
    /// known.
    pub fn ratio(&self) -> Option<f64> {
        let before = self.per_minute_before.filter(|before| *before > 0.0)?;
        Some(self.per_minute / before)
    }
}

fn unix_seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

// `serialize_with` asks for a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn text<S: Serializer>(key_id: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key_id)
}
