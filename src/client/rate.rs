use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// Unit of time of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateUnit {
    /// One second.
    Second,
    /// 60 seconds.
    Minute,
    /// 3,600 seconds.
    Hour,
    /// 86,400 seconds.
    Day,
}

impl RateUnit {
    const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    /// Returns the duration of the unit.
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// A limit on the number of requests per unit of time, and on the number of requests at once (the burst).
///
/// A rate is written `100/minute`. The burst equals the count unless [`Rate::with_burst`] replaces it; neither
/// can be zero. A rate with another burst is displayed as `100/minute, 20 at once`, which is for people and does not
/// parse; in key files, write `{rate: 100/minute, burst: 20}`.
///
/// An idle client may make as many requests at once as the burst. With N requests per unit, it then earns one request
/// in every N-th part of the unit, and never has more than the burst. During a time T, at most burst + N x T / unit
/// requests are allowed: the burst is available once, so the first unit allows more requests than later ones.
///
/// | rate | at once | 1st minute | each later minute |
/// | --- | --- | --- | --- |
/// | `100/minute` | 100 | 200 | 100 |
/// | `{rate: 100/minute, burst: 20}` | 20 | 120 | 100 |
/// | `{rate: 100/minute, burst: 1}` | 1 | 101 | 100 |
/// | `2/second` | 2 | 122 | 120 |
///
/// A burst larger than the count is for clients that send batches: `{rate: 100/minute, burst: 500}` allows 500 requests
/// at once after five idle minutes. A burst that takes more than 100 years to earn is refused: for `1/day`, more than
/// 36,525.
///
/// ```
/// use keygate::client::{Rate, RateUnit};
///
/// let rate: Rate = "100/minute".parse()?;
/// assert_eq!((rate.count(), rate.per(), rate.burst()), (100, RateUnit::Minute, 100));
/// # Ok::<(), keygate::client::ParseQuotaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    per: RateUnit,
    burst: NonZeroU32,
}

/// 100 years (36,525 days) in seconds.
const LONGEST_BURST: u64 = 36_525 * 86_400;

impl Rate {
    /// Returns the number of requests per unit of time.
    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// Returns the unit of time.
    pub fn per(&self) -> RateUnit {
        self.per
    }

    /// Returns the number of requests allowed at once.
    pub fn burst(&self) -> u32 {
        self.burst.get()
    }

    /// Returns the rate in text form without its burst, such as `100/minute`.
    #[cfg(any(feature = "yaml", feature = "serde"))]
    pub(crate) fn without_burst(&self) -> String {
        format!("{}/{}", self.count, self.per.name())
    }

    /// Replaces the burst.
    ///
    /// # Errors
    ///
    /// The burst is zero, or takes more than 100 years to earn.
    pub fn with_burst(self, burst: u32) -> Result<Self, ParseQuotaError> {
        let burst = NonZeroU32::new(burst).ok_or(ParseQuotaError::Burst)?;
        // Neither multiplication can overflow.
        let seconds = self.per.duration().as_secs() * u64::from(burst.get());
        if seconds > LONGEST_BURST * u64::from(self.count.get()) {
            return Err(ParseQuotaError::LongBurst);
        }
        Ok(Self { burst, ..self })
    }
}

impl FromStr for Rate {
    type Err = ParseQuotaError;

    /// # Errors
    ///
    /// The text is not `N/second`, `N/minute`, `N/hour` or `N/day` with N from 1 to 4,294,967,295.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (count, unit) = text.split_once('/').ok_or(ParseQuotaError::Form)?;
        let per = RateUnit::ALL.into_iter().find(|known| known.name() == unit);
        let per = per.ok_or(ParseQuotaError::Unit)?;
        // `u32::from_str` accepts a leading plus sign, the grammar does not.
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseQuotaError::Count);
        }
        let count = count.parse().map_err(|_| ParseQuotaError::Count)?;
        Ok(Self { count, per, burst: count })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.name())?;
        if self.burst == self.count { Ok(()) } else { write!(f, ", {} at once", self.burst) }
    }
}

/// Reason why a text is not a [`Quota`](crate::Quota) or [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseQuotaError {
    /// The text has no `/`.
    #[error("a quota is written like `100/minute`, or is `unlimited`")]
    Form,
    /// The unit is not a [`RateUnit`].
    #[error("the unit of a quota is `second`, `minute`, `hour` or `day`")]
    Unit,
    /// The count is not a number from 1 to 4,294,967,295.
    #[error("the count of a quota is a whole number from 1 to 4294967295")]
    Count,
    /// The burst is zero.
    #[error("the burst of a quota is a whole number from 1 to 4294967295")]
    Burst,
    /// The burst takes more than 100 years (36,525 days) to earn.
    #[error(
        "the burst of a quota takes more than 100 years to earn at its rate: lower the burst, or \
         raise the rate"
    )]
    LongBurst,
    /// A list of rates is empty.
    #[error("a quota has at least one rate: write `unlimited` for no limit")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Quota;

    #[test]
    fn rates_follow_the_grammar() {
        for text in ["1/second", "100/minute", "4294967295/hour", "7/day"] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()), Ok(text.to_owned()));
        }
        let refused = [
            ("", ParseQuotaError::Form),
            ("100", ParseQuotaError::Form),
            ("none", ParseQuotaError::Form),
            ("0/second", ParseQuotaError::Count),
            ("-1/second", ParseQuotaError::Count),
            ("+1/second", ParseQuotaError::Count),
            ("1.5/second", ParseQuotaError::Count),
            ("4294967296/second", ParseQuotaError::Count),
            (" 1/second", ParseQuotaError::Count),
            ("/second", ParseQuotaError::Count),
            ("1/seconds", ParseQuotaError::Unit),
            ("1/week", ParseQuotaError::Unit),
            ("1/second/second", ParseQuotaError::Unit),
            ("Unlimited", ParseQuotaError::Form),
        ];
        for (text, error) in refused {
            assert_eq!(text.parse::<Quota>(), Err(error), "{text}");
        }
    }

    #[test]
    fn burst_defaults_to_the_count_and_is_never_zero() {
        let rate: Rate = "100/minute".parse().unwrap();
        assert_eq!(rate.burst(), 100);
        assert_eq!(rate.with_burst(20).map(|rate| rate.burst()), Ok(20));
        assert_eq!(rate.with_burst(20).unwrap().to_string(), "100/minute, 20 at once");
        assert_eq!(rate.with_burst(0), Err(ParseQuotaError::Burst));
    }

    #[test]
    fn burst_takes_at_most_a_hundred_years_to_earn() {
        for (text, most) in [
            ("1/day", 36_525),
            ("2/day", 73_050),
            ("1/hour", 36_525 * 24),
            ("1/minute", 36_525 * 24 * 60),
            ("1/second", 36_525 * 86_400),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.with_burst(most).map(|rate| rate.burst()), Ok(most), "{text}");
            assert_eq!(rate.with_burst(most + 1), Err(ParseQuotaError::LongBurst), "{text}");
        }
        for text in ["2/second", "4294967295/second", "4294967295/day"] {
            assert!(text.parse::<Rate>().unwrap().with_burst(u32::MAX).is_ok(), "{text}");
        }
    }
}
