use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::observe::UsageBucket;

use crate::view::time::{DAY, HOUR, MINUTE, utc};

/// A period that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Hour,
    Day,
    Month,
}

impl Period {
    pub(super) const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// Parses the period in a URL. Anything unknown means a day.
    pub(super) fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|period| period.word() == word).unwrap_or(Self::Day)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Hour => "Last 60 minutes",
            Self::Day => "Last 24 hours",
            Self::Month => "Last 30 days",
        }
    }

    pub(super) fn bucket(self) -> UsageBucket {
        match self {
            Self::Hour => UsageBucket::Minute,
            Self::Day => UsageBucket::Hour,
            Self::Month => UsageBucket::Day,
        }
    }

    fn step(self) -> Duration {
        match self {
            Self::Hour => MINUTE,
            Self::Day => HOUR,
            Self::Month => DAY,
        }
    }

    fn bars(self) -> u32 {
        match self {
            Self::Hour => 60,
            Self::Day => 24,
            Self::Month => 30,
        }
    }

    /// Returns the start of each bar, the oldest first. The last bar is the current minute, hour or day in UTC.
    pub(super) fn starts(self, now: SystemTime) -> Vec<SystemTime> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let step = self.step();
        let last =
            UNIX_EPOCH + Duration::from_secs(since.as_secs() / step.as_secs() * step.as_secs());
        (0..self.bars()).rev().map(|number| last - number * step).collect()
    }

    /// Formats the start of a bar.
    pub(super) fn label(self, start: SystemTime) -> String {
        let text = utc(start);
        match self {
            Self::Hour | Self::Day => text[11..16].to_owned(),
            Self::Month => text[..10].to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_bar_is_the_current_one() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_014_430);
        let shown = |period: Period| {
            let starts = period.starts(now);
            let labels = [starts[0], starts[starts.len() - 1]].map(|start| period.label(start));
            (starts.len(), labels)
        };
        assert_eq!(shown(Period::Hour), (60, ["11:01".to_owned(), "12:00".to_owned()]));
        assert_eq!(shown(Period::Day), (24, ["13:00".to_owned(), "12:00".to_owned()]));
        assert_eq!(shown(Period::Month), (30, ["2026-12-17".to_owned(), "2027-01-15".to_owned()]));
        assert_eq!(Period::of("month"), Period::Month);
        assert_eq!(Period::of("<script>"), Period::Day);
    }
}
