use keygate::Quota;
use keygate::client::{ParseQuotaError, Rate};

use crate::failure::Failure;

/// A rate of a quota from the command line: `100/minute`, or `100/minute burst 20`. The option may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateArg {
    Rate(Rate),
    Unlimited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; write a rate as `100/minute` or `100/minute burst 20`, and repeat the option for several rates"
)]
pub(crate) struct RateError(ParseQuotaError);

impl RateArg {
    pub(crate) fn parse(text: &str) -> Result<Self, RateError> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let rate = |text: &str| text.parse::<Rate>().map_err(RateError);
        let Some((text, burst)) = text.split_once(" burst ") else {
            return Ok(Self::Rate(rate(text)?));
        };
        let burst = burst.parse().map_err(|_| RateError(ParseQuotaError::Burst))?;
        Ok(Self::Rate(rate(text)?.with_burst(burst).map_err(RateError)?))
    }
}

/// Returns the quota of all rates; `None` if there are none.
pub(crate) fn quota(args: &[RateArg]) -> Result<Option<Quota>, Failure> {
    let mut rates = Vec::new();
    for arg in args {
        match arg {
            RateArg::Rate(rate) => rates.push(*rate),
            RateArg::Unlimited if args.len() == 1 => return Ok("unlimited".parse().ok()),
            RateArg::Unlimited => {
                return Err(Failure::usage("`unlimited` is given with other rates: choose one"));
            }
        }
    }
    Ok(Quota::all_of(rates).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_may_have_a_burst() {
        for (text, shown) in [
            ("100/minute", "100/minute"),
            ("100/minute burst 20", "100/minute, 20 at once"),
            ("100/minute burst 100", "100/minute"),
        ] {
            let Ok(RateArg::Rate(rate)) = RateArg::parse(text) else { panic!("{text}") };
            assert_eq!(rate.to_string(), shown);
        }
        assert_eq!(RateArg::parse("unlimited"), Ok(RateArg::Unlimited));
        for (text, error) in [
            ("100", ParseQuotaError::Form),
            ("{rate: 100/minute, burst: 20}", ParseQuotaError::Unit),
            ("5/minute,6/hour", ParseQuotaError::Unit),
            ("100/minute burst 0", ParseQuotaError::Burst),
            ("100/minute burst -1", ParseQuotaError::Burst),
            ("1/day burst 99999", ParseQuotaError::LongBurst),
            ("unlimited burst 2", ParseQuotaError::Form),
        ] {
            assert_eq!(RateArg::parse(text), Err(RateError(error)), "{text}");
        }
    }
}
