use std::collections::BTreeSet;
use std::time::SystemTime;

use serde::Serialize;

/// The part of a [`UsageHistory`](super::UsageHistory) to read; all of it by default.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::observe::UsageQuery;
///
/// let hour = Duration::from_secs(60 * 60);
/// let query = UsageQuery::new().for_client("App 1").since(SystemTime::now() - hour);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UsageQuery {
    pub(super) clients: Option<BTreeSet<String>>,
    pub(super) since: Option<SystemTime>,
    pub(super) until: Option<SystemTime>,
}

impl UsageQuery {
    /// Creates a query for everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads only this client.
    pub fn for_client(self, name: impl Into<String>) -> Self {
        self.for_clients([name])
    }

    /// Reads only these clients, such as those of a page. It uses an index, so the number of other clients does not
    /// matter.
    pub fn for_clients(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { clients: Some(names.into_iter().map(Into::into).collect()), ..self }
    }

    /// Reads from this time on. A minute, hour or day that contains this time is included as a whole.
    pub fn since(self, time: SystemTime) -> Self {
        Self { since: Some(time), ..self }
    }

    /// Reads only minutes, hours and days that begin before this time.
    pub fn until(self, time: SystemTime) -> Self {
        Self { until: Some(time), ..self }
    }
}

/// The length of the buckets of a series, which are in UTC.
///
/// It serializes as `minute`, `hour` or `day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UsageBucket {
    /// Minutes, which are kept for a day.
    Minute,
    /// Hours, which are kept for 31 days.
    Hour,
    /// Days, which are kept for two years.
    Day,
}

impl UsageBucket {
    pub(super) fn seconds(self) -> u32 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// The bucket with this length, or else the next longer one.
    pub(super) fn of_seconds(seconds: u64) -> Self {
        match seconds {
            ..=60 => Self::Minute,
            61..=3_600 => Self::Hour,
            3_601.. => Self::Day,
        }
    }
}
