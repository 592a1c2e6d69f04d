use std::fmt::{self, Write as _};

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use smol_str::SmolStr;

use super::counters::{DEFAULT_LIMIT, Decision};
use super::gcra::seconds;
use crate::client::Quota;

/// The headers of draft-ietf-httpapi-ratelimit-headers-11 (May 2026). They name no client and no key.
///
/// `RateLimit-Policy` lists all rates: `q` requests in `w` seconds. `RateLimit` describes the tightest: `r` requests
/// are left, and `t` is the effective window (section 4.1.2): the time in which they are earned, so that `r` in `t`
/// seconds is the rate and no more (section 8.5). If none is left, `t` is the time until one is allowed, as in
/// `Retry-After` (section 6).
#[derive(Clone, Debug)]
pub(crate) struct RateLimitHeaders {
    pub(super) limit: SmolStr,
    pub(super) quota: Quota,
    pub(super) decision: Decision,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The largest integer of structured fields (RFC 9651 section 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

impl RateLimitHeaders {
    /// Appends a line to each header, and keeps the lines of other limits.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, line) in [(POLICY, self.policy()), (LIMIT, self.limit())] {
            // This fails only if counters of the service report a rate that the quota does not have.
            if let Ok(line) = line
                && let Ok(line) = HeaderValue::try_from(line)
            {
                headers.append(name, line);
            }
        }
    }

    fn policy(&self) -> Result<String, fmt::Error> {
        let mut line = String::new();
        for (index, rate) in self.quota.rates().iter().enumerate() {
            if index > 0 {
                line.push_str(", ");
            }
            self.write_name(index, &mut line)?;
            write!(line, ";q={};w={}", rate.count(), rate.per().duration().as_secs())?;
        }
        Ok(line)
    }

    fn limit(&self) -> Result<String, fmt::Error> {
        let Decision { rate: index, remaining, wait, .. } = self.decision;
        let rate = self.quota.rates().get(index).ok_or(fmt::Error)?;
        let window = if remaining == 0 {
            seconds(wait).max(1)
        } else {
            let earned = remaining.saturating_mul(rate.per().duration().as_secs());
            earned.div_ceil(rate.count().into())
        };
        let mut line = String::new();
        self.write_name(index, &mut line)?;
        write!(line, ";r={};t={}", remaining.min(MAX_INTEGER), window.min(MAX_INTEGER))?;
        Ok(line)
    }

    /// Writes the name of a rate: the name of the limit, unless it is the default; the unit; and a number, if an
    /// earlier rate has the same unit.
    fn write_name(&self, index: usize, line: &mut String) -> fmt::Result {
        let unit = self.quota.rates()[index].per();
        line.push('"');
        if self.limit != DEFAULT_LIMIT {
            write!(line, "{}-", self.limit)?;
        }
        line.push_str(unit.name());
        let earlier = self.quota.rates()[..index].iter().filter(|rate| rate.per() == unit).count();
        if earlier > 0 {
            write!(line, "-{}", earlier + 1)?;
        }
        line.push('"');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn added(limit: &str, rates: &[&str], decision: Decision) -> HeaderMap {
        let quota = Quota::all_of(rates.iter().map(|rate| rate.parse().unwrap())).unwrap();
        let mut headers = HeaderMap::new();
        RateLimitHeaders { limit: limit.into(), quota, decision }.add_to(&mut headers);
        headers
    }

    #[test]
    fn headers_hold_many_rates_and_large_numbers() {
        let units = ["second", "minute", "hour", "day"];
        let rates: Vec<_> =
            (0..24).map(|number| format!("{}/{}", u32::MAX, units[number % units.len()])).collect();
        let rates: Vec<_> = rates.iter().map(String::as_str).collect();
        let decision = Decision::allowed(23, u64::MAX, Duration::ZERO);
        let headers = added(DEFAULT_LIMIT, &rates, decision);
        let expected = |number: usize| {
            let count = number / units.len() + 1;
            let count = if count == 1 { String::new() } else { format!("-{count}") };
            let window = [1, 60, 3_600, 86_400][number % units.len()];
            format!("\"{}{count}\";q=4294967295;w={window}", units[number % units.len()])
        };
        let policy = (0..24).map(expected).collect::<Vec<_>>().join(", ");
        assert_eq!(headers[POLICY], policy);
        assert_eq!(headers[LIMIT], r#""day-6";r=999999999999999;t=4294967297"#);
    }

    #[test]
    fn window_is_the_time_to_earn_or_the_wait() {
        for (remaining, wait, expected) in [
            (99, 0, r#""minute";r=99;t=60"#),
            (3, 0, r#""minute";r=3;t=2"#),
            (1, 0, r#""minute";r=1;t=1"#),
            (0, 600, r#""minute";r=0;t=1"#),
            (0, 12_001, r#""minute";r=0;t=13"#),
        ] {
            let decision = Decision::allowed(0, remaining, Duration::from_millis(wait));
            assert_eq!(added(DEFAULT_LIMIT, &["100/minute"], decision)[LIMIT], expected);
        }
    }

    #[test]
    fn limit_name_is_part_of_the_rate_names() {
        let decision = Decision::allowed(1, 50, Duration::ZERO);
        let headers = added("search", &["10/second", "100/minute"], decision);
        let policy = r#""search-second";q=10;w=1, "search-minute";q=100;w=60"#;
        assert_eq!(headers[POLICY], policy);
        assert_eq!(headers[LIMIT], r#""search-minute";r=50;t=30"#);
    }

    #[test]
    fn rate_that_the_quota_lacks_is_left_out() {
        let decision = Decision::allowed(1, 5, Duration::ZERO);
        let headers = added(DEFAULT_LIMIT, &["10/minute"], decision);
        assert!(headers.contains_key(POLICY) && !headers.contains_key(LIMIT));
    }
}
