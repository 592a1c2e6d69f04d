use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::{UsageBucket, system_time};
use crate::key::KeyId;
use crate::observe::OutcomeKind;
use crate::observe::usage::snapshot::unix_seconds;
use crate::store::usage::CountsRow;

/// The counts of a part of a [`UsageHistory`](super::UsageHistory). See [`Usage`](crate::Usage) for their definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UsageTotals {
    /// Requests with a valid key.
    pub requests: u64,
    /// The requests among them whose key another one has replaced.
    pub replaced: u64,
    /// Refusals by the [`name`](crate::Outcome::name) of the outcome, for the outcomes that occurred.
    pub refused: BTreeMap<String, u64>,
}

/// The counts of one key.
///
/// It serializes under the names of its fields; the totals are flattened, and times are whole seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyTotals {
    /// The name of the client.
    pub client: String,
    /// The public handle of the key.
    pub key_id: KeyId,
    /// The beginning of the first minute, hour or day that was counted.
    #[serde(serialize_with = "unix_seconds")]
    pub start: SystemTime,
    /// Its counts.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// The counts of one client: the sum of its keys.
///
/// It serializes as [`KeyTotals`] does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientTotals {
    /// The name of the client.
    pub client: String,
    /// The beginning of the first minute, hour or day that was counted.
    #[serde(serialize_with = "unix_seconds")]
    pub start: SystemTime,
    /// Its counts.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// The counts of a minute, hour or day.
///
/// It serializes as [`KeyTotals`] does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UsagePoint {
    /// The beginning of the bucket.
    #[serde(serialize_with = "unix_seconds")]
    pub start: SystemTime,
    /// The length of the bucket.
    pub bucket: UsageBucket,
    /// The counts of all clients, or of the client of the query.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// The counts of one client over time, the oldest first: see
/// [`UsageHistory::series_by_client`](super::UsageHistory::series_by_client).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientSeries {
    /// The name of the client.
    pub client: String,
    /// Its counts.
    pub points: Vec<UsagePoint>,
}

impl UsageTotals {
    /// Returns the number of requests that were refused for any reason.
    ///
    /// A request that was admitted and refused later, for a scope or a quota, is in [`requests`](Self::requests), too.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    fn sum(rows: &[CountsRow]) -> Self {
        let mut totals = Self::default();
        for CountsRow { outcome, count, .. } in rows {
            if outcome == OutcomeKind::Admitted.name() {
                totals.requests += count;
            } else if outcome == OutcomeKind::Replaced.name() {
                totals.replaced += count;
            } else {
                *totals.refused.entry(outcome.clone()).or_default() += count;
            }
        }
        totals
    }
}

impl KeyTotals {
    /// Sums the rows of one key; `None` if its id is not an id.
    pub(super) fn sum(rows: &[CountsRow]) -> Option<Self> {
        let key_id = rows.first()?.key_id.parse().ok()?;
        let ClientTotals { client, start, totals } = ClientTotals::sum(rows)?;
        Some(Self { client, key_id, start, totals })
    }
}

impl ClientTotals {
    /// Sums the rows of one client.
    pub(super) fn sum(rows: &[CountsRow]) -> Option<Self> {
        let client = rows.first()?.client.clone();
        let start = rows.iter().map(|row| row.start).min()?;
        Some(Self { client, start: system_time(start), totals: UsageTotals::sum(rows) })
    }
}

impl ClientSeries {
    /// Sums the rows of one client by time.
    pub(super) fn sum(rows: &[CountsRow], bucket: UsageBucket) -> Option<Self> {
        let client = rows.first()?.client.clone();
        Some(Self { client, points: UsagePoint::all(rows, bucket) })
    }
}

impl UsagePoint {
    /// Sums rows in the order of their times.
    pub(super) fn all(rows: &[CountsRow], bucket: UsageBucket) -> Vec<Self> {
        let points = rows.chunk_by(|one, other| one.start == other.start);
        points.filter_map(|rows| Self::sum(rows, bucket)).collect()
    }

    /// Sums the rows of one time.
    fn sum(rows: &[CountsRow], bucket: UsageBucket) -> Option<Self> {
        let longest = rows.iter().map(|row| UsageBucket::of_seconds(row.seconds)).max()?;
        let start = system_time(rows.first()?.start);
        Some(Self { start, bucket: bucket.max(longest), totals: UsageTotals::sum(rows) })
    }
}
