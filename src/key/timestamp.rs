use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time with the precision and range of all stores: whole microseconds, from 1970 to the end of 9999 in UTC.
///
/// Fractions of a microsecond are cut off, so that no key works longer than it should; those of
/// [`Lifetime::not_before`](crate::key::Lifetime::not_before) are rounded up. Times out of range are refused.
/// As text (feature `yaml` or `serde`), a timestamp is written as in RFC 3339 with an offset, such as
/// `2027-01-31T00:00:00Z`. It is displayed in UTC, without a fraction if that is zero.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::key::{TimeError, Timestamp};
///
/// let kept = Timestamp::try_from(UNIX_EPOCH + Duration::from_nanos(1_999))?;
/// assert_eq!(kept.system_time(), UNIX_EPOCH + Duration::from_micros(1));
/// let before = UNIX_EPOCH - Duration::from_secs(1);
/// assert_eq!(Timestamp::try_from(before), Err(TimeError::BeforeEpoch));
/// # #[cfg(any(feature = "yaml", feature = "serde"))]
/// assert_eq!("1970-01-01T01:00:00.0000019+01:00".parse(), Ok(kept));
/// # Ok::<(), TimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub(super) u64);

impl Timestamp {
    /// The first microsecond of the year 10000.
    pub(crate) const END: u64 = 253_402_300_800_000_000;
    pub(crate) const FIRST: Self = Self(0);
    pub(crate) const LAST: Self = Self(Self::END - 1);

    /// Creates a time from microseconds since 1970.
    pub(crate) fn from_micros(micros: u64) -> Result<Self, TimeError> {
        if micros < Self::END { Ok(Self(micros)) } else { Err(TimeError::AfterEnd) }
    }

    pub(crate) fn micros(self) -> u64 {
        self.0
    }

    /// Returns the nearest time in the range, with fractions of a microsecond cut off.
    #[must_use]
    pub fn nearest(time: SystemTime) -> Self {
        Self::try_from(time).unwrap_or_else(|error| match error {
            TimeError::BeforeEpoch => Self::FIRST,
            TimeError::AfterEnd | TimeError::Form | TimeError::LeapSecond => Self::LAST,
        })
    }

    /// Returns the time, with fractions of a microsecond rounded up.
    pub(crate) fn rounded_up(time: SystemTime) -> Result<Self, TimeError> {
        let cut = Self::try_from(time)?;
        if cut.system_time() < time { Self::from_micros(cut.0 + 1) } else { Ok(cut) }
    }

    /// Cuts off the fraction of the second, as stores do for the times of issue and revocation.
    #[must_use]
    pub fn whole_second(self) -> Self {
        Self(self.0 - self.0 % 1_000_000)
    }

    /// Converts to the time type of the standard library.
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.0)
    }
}

/// How a fraction of a microsecond is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(feature = "yaml", feature = "sqlite", feature = "postgres")), allow(dead_code))]
pub(crate) enum Rounding {
    Down,
    Up,
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = TimeError;

    /// # Errors
    ///
    /// The time is before 1970 or after the end of 9999.
    fn try_from(time: SystemTime) -> Result<Self, TimeError> {
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| TimeError::BeforeEpoch)?;
        let micros = u64::try_from(since.as_micros()).map_err(|_| TimeError::AfterEnd)?;
        Self::from_micros(micros)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        time.system_time()
    }
}

/// Reason why a time cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The text is not a time in the format of RFC 3339.
    #[error("this is not a time: write it as in `2027-01-31T00:00:00Z`, with an offset (RFC 3339)")]
    Form,
    /// The text has a leap second.
    #[error("leap seconds (`:60`) are not supported: write `:59`")]
    LeapSecond,
    /// The time is before 1970.
    #[error("this time is before 1970 (in UTC), which is not supported: choose a later one")]
    BeforeEpoch,
    /// The time is after the end of the year 9999.
    #[error(
        "this time is after the end of 9999 (in UTC), which is not supported: choose an earlier one"
    )]
    AfterEnd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_microsecond_are_cut_off() {
        for (nanos, micros) in [(0, 0), (999, 0), (1_000, 1), (1_999, 1), (2_000, 2)] {
            let time = Timestamp::try_from(UNIX_EPOCH + Duration::from_nanos(nanos));
            assert_eq!(time, Ok(Timestamp(micros)), "{nanos}");
        }
    }

    #[test]
    fn beginnings_are_rounded_up() {
        for (nanos, micros) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2)] {
            let time = Timestamp::rounded_up(UNIX_EPOCH + Duration::from_nanos(nanos));
            assert_eq!(time, Ok(Timestamp(micros)), "{nanos}");
        }
        let last = UNIX_EPOCH + Duration::from_micros(Timestamp::END) - Duration::from_nanos(1);
        assert_eq!(Timestamp::rounded_up(last), Err(TimeError::AfterEnd));
    }

    #[test]
    fn times_from_1970_to_the_end_of_9999_are_accepted() {
        let end = UNIX_EPOCH + Duration::from_micros(Timestamp::END);
        let last = end - Duration::from_nanos(1);
        let kept = Timestamp::try_from(last).unwrap();
        assert_eq!(kept.system_time(), end - Duration::from_micros(1));
        assert_eq!(Timestamp::try_from(end), Err(TimeError::AfterEnd));
        let far = UNIX_EPOCH + Duration::from_secs(u64::MAX / 4);
        assert_eq!(Timestamp::try_from(far), Err(TimeError::AfterEnd));
        let before = UNIX_EPOCH - Duration::from_nanos(100);
        assert_eq!(Timestamp::try_from(before), Err(TimeError::BeforeEpoch));
    }
}
