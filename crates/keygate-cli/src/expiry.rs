use std::str::FromStr;
use std::time::{Duration, SystemTime};

use keygate::key::{TimeError, Timestamp};

use crate::duration::{self, DurationError};
use crate::failure::Failure;

/// The expiry or the beginning of a key from the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiryArg {
    After(Duration),
    At(SystemTime),
}

impl ExpiryArg {
    /// Parses the beginning of a key, which is rounded up to a microsecond.
    pub(crate) fn beginning(text: &str) -> Result<Self, ExpiryError> {
        Self::parse(text, Timestamp::parse_rounded_up)
    }

    fn parse(
        text: &str,
        time: fn(&str) -> Result<Timestamp, TimeError>,
    ) -> Result<Self, ExpiryError> {
        // Every time contains a dash, and no positive duration does.
        if !text.contains('-') {
            return Ok(Self::After(duration::parse_positive(text)?));
        }
        match time(text) {
            Ok(time) => Ok(Self::At(time.into())),
            Err(TimeError::Form) => Err(ExpiryError::Form),
            Err(error) => Err(ExpiryError::Time(error)),
        }
    }

    /// Returns the time for a key that is issued now.
    pub(crate) fn instant(self, now: SystemTime) -> Result<SystemTime, Failure> {
        match self {
            Self::After(duration) => after(now, duration),
            Self::At(time) => Ok(time),
        }
    }
}

/// Adds a duration to the start of the current second, from which a lifetime counts.
pub(crate) fn after(now: SystemTime, duration: Duration) -> Result<SystemTime, Failure> {
    let end = Timestamp::nearest(now).whole_second().system_time().checked_add(duration);
    end.filter(|end| Timestamp::try_from(*end).is_ok())
        .ok_or_else(|| Failure::usage(DurationError::TooLong))
}

impl FromStr for ExpiryArg {
    type Err = ExpiryError;

    /// Parses the expiry of a key, which is rounded down to a microsecond.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, str::parse)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpiryError {
    #[error("{0}; write a time with its offset, as in 2026-12-31T00:00:00Z")]
    Duration(#[from] DurationError),
    #[error("write a time with its offset, as in 2026-12-31T00:00:00Z, or a duration as `90d`")]
    Form,
    #[error("{0}")]
    Time(TimeError),
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn expiry_is_a_duration_or_a_time_with_an_offset() {
        let cases = [
            ("90d", ExpiryArg::After(Duration::from_secs(7_776_000))),
            ("1970-01-02T00:00:00Z", ExpiryArg::At(at(86_400))),
            ("1970-01-02T02:00:00+02:00", ExpiryArg::At(at(86_400))),
        ];
        for (text, expiry) in cases {
            assert_eq!(text.parse(), Ok(expiry), "{text}");
        }
        let refused = [
            "2026-12-31",
            "2026-12-31T00:00:00",
            "2026-12-31T00:00:00+01:00[Europe/Paris]",
            "2026-12-31 00:00:00Z",
            "2026-12-31T00:00:00+0100",
            "2026-12-31T00:00:00+01",
            "2026-12-31T00:00:00-25:00",
            "2026-13-31T00:00:00Z",
            "99999-12-31T00:00:00Z",
            "-1d",
        ];
        for text in refused {
            assert_eq!(text.parse::<ExpiryArg>(), Err(ExpiryError::Form), "{text}");
        }
        for (text, error) in [
            ("1969-12-31T23:59:59Z", TimeError::BeforeEpoch),
            ("9999-12-31T23:59:59-01:00", TimeError::AfterEnd),
            ("2016-12-31T23:59:60Z", TimeError::LeapSecond),
        ] {
            assert_eq!(text.parse::<ExpiryArg>(), Err(ExpiryError::Time(error)), "{text}");
        }
        assert_eq!("0d".parse::<ExpiryArg>(), Err(ExpiryError::Duration(DurationError::Zero)));
    }

    #[test]
    fn lifetime_starts_with_the_current_second() {
        let now = at(100) + Duration::from_nanos(1);
        assert_eq!(after(now, Duration::from_secs(10)).ok(), Some(at(110)));
    }

    #[test]
    fn expiry_beyond_the_year_9999_is_wrong_usage() {
        let last = 253_402_300_799;
        assert_eq!(after(at(0), Duration::from_secs(last)).ok(), Some(at(last)));
        for seconds in [last + 1, u64::MAX] {
            let failure = after(at(0), Duration::from_secs(seconds)).unwrap_err();
            assert_eq!(failure.exit_code(), 2);
        }
    }
}
