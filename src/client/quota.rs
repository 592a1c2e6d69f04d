use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::rate::{ParseQuotaError, Rate};

/// The limits of a client: one or more rates, all of which must allow a request, or `unlimited`.
///
/// Stores keep the quota with the client; a `Throttle` (feature `throttle`) enforces it.
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
    /// Creates a quota of several rates, all of which must allow a request.
    ///
    /// # Errors
    ///
    /// The list is empty: parse `unlimited` for no limit.
    pub fn all_of(rates: impl IntoIterator<Item = Rate>) -> Result<Self, ParseQuotaError> {
        let rates: Arc<[Rate]> = rates.into_iter().collect();
        if rates.is_empty() { Err(ParseQuotaError::Empty) } else { Ok(Self(rates)) }
    }

    /// Returns the rates; none if the quota is unlimited.
    pub fn rates(&self) -> &[Rate] {
        &self.0
    }

    /// Returns whether the quota is `unlimited`.
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
    /// The text is neither a [`Rate`] nor `unlimited`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unlimited" {
            Ok(Self(Arc::default()))
        } else {
            Ok(text.parse::<Rate>()?.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlimited_quota_is_not_an_empty_list() {
        assert!("unlimited".parse::<Quota>().is_ok_and(|quota| quota.is_unlimited()));
        assert_eq!(Quota::all_of([]), Err(ParseQuotaError::Empty));
    }
}
