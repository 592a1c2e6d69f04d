use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The unit of time behind a rate.
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

    /// How long one unit lasts.
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        })
    }

    /// As it stands behind the `/` of a rate.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// One limit: so many requests in each unit of time, and so many at once.
///
/// As text it is `100/minute`; the burst equals the count unless [`Rate::with_burst`] says otherwise. Both
/// are at least 1. One with another burst is shown as `100/minute, 20 at once`, which is for people: it does
/// not parse, and the file has it as `{rate: 100/minute, burst: 20}`.
///
/// A client that has been silent may make as many requests at once as the burst says. From then on it
/// earns one more in every N-th part of the unit, evenly, and never has more than the burst. In a time T,
/// no more than burst + N x T / unit are allowed: the burst comes on top of the rate, once, so that the
/// first unit of one that begins with it allows more than any later one.
///
/// | rate | at once | 1st minute | each later one |
/// | --- | --- | --- | --- |
/// | `100/minute` | 100 | 200 | 100 |
/// | `{rate: 100/minute, burst: 20}` | 20 | 120 | 100 |
/// | `{rate: 100/minute, burst: 1}` | 1 | 101 | 100 |
/// | `2/second` | 2 | 122 | 120 |
///
/// A burst larger than the count is for clients that work in batches: `{rate: 100/minute, burst: 500}`
/// allows 500 at once after five minutes of silence. One that takes more than 100 years to earn is
/// refused: of `1/day`, that is more than 36,525.
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

/// 100 years: 36,525 days, in seconds.
const LONGEST_BURST: u64 = 36_525 * 86_400;

impl Rate {
    /// How many requests each unit of time allows.
    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// The unit of time.
    pub fn per(&self) -> RateUnit {
        self.per
    }

    /// How many requests may come at once.
    pub fn burst(&self) -> u32 {
        self.burst.get()
    }

    /// As the grammar of fields has it: `100/minute`.
    #[cfg(any(feature = "yaml", feature = "serde"))]
    pub(crate) fn without_burst(&self) -> String {
        format!("{}/{}", self.count, self.per.name())
    }

    /// Replaces the burst.
    ///
    /// # Errors
    ///
    /// A burst of zero, which would let nothing in, or one that takes more than 100 years to earn.
    pub fn with_burst(self, burst: u32) -> Result<Self, ParseQuotaError> {
        let burst = NonZeroU32::new(burst).ok_or(ParseQuotaError::Burst)?;
        // Both products stay below 2^64, whatever the numbers are.
        let takes = self.per.duration().as_secs() * u64::from(burst.get());
        if takes > LONGEST_BURST * u64::from(self.count.get()) {
            return Err(ParseQuotaError::LongBurst);
        }
        Ok(Self { burst, ..self })
    }
}

impl FromStr for Rate {
    type Err = ParseQuotaError;

    /// # Errors
    ///
    /// Anything but `N/second`, `N/minute`, `N/hour` or `N/day` with N from 1 to 4,294,967,295.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (count, unit) = text.split_once('/').ok_or(ParseQuotaError::Form)?;
        let per = RateUnit::ALL.into_iter().find(|known| known.name() == unit);
        let per = per.ok_or(ParseQuotaError::Unit)?;
        // `u32::from_str` takes a leading plus sign, which the grammar does not.
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

/// How much a client may ask for: one or more rates that must all allow a request, or no limit.
///
/// Stores keep it with the client; a `Throttle` (feature `throttle`) holds the client to it.
///
/// ```
/// use keygate::Quota;
///
/// let one: Quota = "100/minute".parse()?;
/// let two = Quota::all_of(["10/second".parse()?, "10000/day".parse()?])?;
/// let none: Quota = "unlimited".parse()?;
/// assert_eq!((one.rates().len(), two.rates().len(), none.is_unlimited()), (1, 2, true));
/// # Ok::<(), keygate::client::ParseQuotaError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Quota(Arc<[Rate]>);

impl Quota {
    /// A quota of several rates, all of which must allow a request.
    ///
    /// # Errors
    ///
    /// An empty list: write `unlimited` where no limit is meant.
    pub fn all_of(rates: impl IntoIterator<Item = Rate>) -> Result<Self, ParseQuotaError> {
        let rates: Arc<[Rate]> = rates.into_iter().collect();
        if rates.is_empty() { Err(ParseQuotaError::Empty) } else { Ok(Self(rates)) }
    }

    /// The rates; none when the quota is unlimited.
    pub fn rates(&self) -> &[Rate] {
        &self.0
    }

    /// Whether the quota says `unlimited`.
    pub fn is_unlimited(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.0.split_first() else { return f.write_str("unlimited") };
        write!(f, "{first}")?;
        others.iter().try_for_each(|rate| write!(f, "; {rate}"))
    }
}

impl From<Rate> for Quota {
    fn from(rate: Rate) -> Self {
        Self(Arc::new([rate]))
    }
}

impl FromStr for Quota {
    type Err = ParseQuotaError;

    /// # Errors
    ///
    /// Anything but a [`Rate`] or the word `unlimited`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unlimited" {
            Ok(Self(Arc::default()))
        } else {
            Ok(text.parse::<Rate>()?.into())
        }
    }
}

/// Why a text is not a [`Quota`] or a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseQuotaError {
    /// The text has no `/`.
    #[error("a quota is written like `100/minute`, or is `unlimited`")]
    Form,
    /// The unit is not one of the four.
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
    #[error("a quota has at least one rate; write `unlimited` where there is no limit")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn unlimited_is_written_out_and_never_an_empty_list() {
        assert!("unlimited".parse::<Quota>().is_ok_and(|quota| quota.is_unlimited()));
        assert_eq!(Quota::all_of([]), Err(ParseQuotaError::Empty));
    }

    #[test]
    fn burst_is_the_count_where_unsaid_and_never_zero() {
        let rate: Rate = "100/minute".parse().unwrap();
        assert_eq!(rate.burst(), 100);
        assert_eq!(rate.with_burst(20).map(|rate| rate.burst()), Ok(20));
        assert_eq!(rate.with_burst(20).unwrap().to_string(), "100/minute, 20 at once");
        assert_eq!(rate.with_burst(0), Err(ParseQuotaError::Burst));
    }

    #[test]
    fn burst_is_earned_within_a_hundred_years() {
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
