use std::ops::Range;
use std::time::SystemTime;

use super::system_time;
use crate::store::usage::{MAX_SILENCE, SURELY_KEPT, Written};

/// When usage was watched, without a gap of more than a day: see [`UsageHistory::watch`](super::UsageHistory::watch).
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use keygate::observe::UsageWatch;
///
/// let since = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
/// let until = since + Duration::from_secs(60);
/// let watch = UsageWatch::Current { since, until };
/// assert_eq!((watch.since(), watch.watched()), (Some(since), Some(since..until)));
/// assert_eq!(UsageWatch::Never.since(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageWatch {
    /// No writer has ever written.
    Never,
    /// Usage is watched. A writer writes at least once a minute.
    Current {
        /// The time since which usage has been watched. It is at most two years ago, since older last uses are removed.
        since: SystemTime,
        /// The last time that a writer wrote. What was used after it is not known yet.
        until: SystemTime,
    },
    /// No writer has written for more than an hour. What was used after `until` is not known.
    Ended {
        /// The time since which usage was watched.
        since: SystemTime,
        /// The last time that a writer wrote.
        until: SystemTime,
    },
}

impl UsageWatch {
    /// Returns since when usage has been watched, or `None` if it is not watched now.
    pub fn since(self) -> Option<SystemTime> {
        match self {
            Self::Current { since, .. } => Some(since),
            Self::Never | Self::Ended { .. } => None,
        }
    }

    /// Returns the time that has been watched, for [`Audit::with_watched`](crate::manage::Audit::with_watched), or `None`
    /// if usage is not watched now.
    pub fn watched(self) -> Option<Range<SystemTime>> {
        match self {
            Self::Current { since, until } => Some(since..until),
            Self::Never | Self::Ended { .. } => None,
        }
    }

    pub(super) fn of(written: Option<&Written>, now: u64) -> Self {
        match written {
            None => Self::Never,
            Some(Written { since, until }) if until.saturating_add(MAX_SILENCE) < now => {
                Self::Ended { since: system_time(*since), until: system_time(*until) }
            }
            Some(Written { since, until }) => {
                let since = *since.max(&now.saturating_sub(SURELY_KEPT));
                Self::Current { since: system_time(since), until: system_time(*until) }
            }
        }
    }
}
