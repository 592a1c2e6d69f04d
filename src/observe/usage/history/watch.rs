use std::time::SystemTime;

use super::system_time;
use crate::store::usage::{MAX_GAP, SURELY_KEPT, Written};

/// When usage was watched, without a gap of more than a day: see [`UsageHistory::watch`](super::UsageHistory::watch).
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use keygate::observe::UsageWatch;
///
/// let since = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
/// assert_eq!(UsageWatch::Since(since).since(), Some(since));
/// assert_eq!(UsageWatch::Never.since(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageWatch {
    /// No writer has ever written.
    Never,
    /// Usage has been watched since this time. It is at most two years ago, since older last uses are removed.
    Since(SystemTime),
    /// No writer has written for more than a day. What was used after `until` is not known.
    Ended {
        /// The start of the writers.
        since: SystemTime,
        /// The last time that a writer wrote.
        until: SystemTime,
    },
}

impl UsageWatch {
    /// Returns since when usage has been watched, or `None` if it is not watched now.
    pub fn since(self) -> Option<SystemTime> {
        match self {
            Self::Since(since) => Some(since),
            Self::Never | Self::Ended { .. } => None,
        }
    }

    pub(super) fn of(written: Option<&Written>, now: u64) -> Self {
        match written {
            None => Self::Never,
            Some(Written { since, until }) if until.saturating_add(MAX_GAP) < now => {
                Self::Ended { since: system_time(*since), until: system_time(*until) }
            }
            Some(Written { since, .. }) => {
                Self::Since(system_time(*since.max(&now.saturating_sub(SURELY_KEPT))))
            }
        }
    }
}
