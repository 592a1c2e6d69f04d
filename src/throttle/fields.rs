use std::collections::BTreeSet;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use super::counters::Tally;
use super::gcra::seconds;
use crate::quota::{Quota, Rate};

/// The fields of draft-ietf-httpapi-ratelimit-headers-11 (May 2026), which name no client and no key.
///
/// `RateLimit-Policy` lists all rates, each under the name of its unit: `q` requests in `w` seconds.
/// `RateLimit` tells of the tightest: `r` are left. `t` is the effective window (section 4.1.2): as long as it
/// takes to earn them, so that `r` in `t` seconds is the rate and no more (section 8.5); and where none is
/// left, the time until there is one, which is also that of `Retry-After` (section 6).
pub(crate) struct Fields<'a> {
    pub(super) quota: &'a Quota,
    pub(super) tally: &'a Tally,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The largest integer of structured fields (RFC 9651 section 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

impl Fields<'_> {
    /// As one more line of each field, if there are some: those of another limit.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        let lines = [self.policy(headers), self.limit(headers)];
        for (field, line) in [POLICY, LIMIT].into_iter().zip(lines) {
            if let Some(line) = line {
                headers.append(field, line);
            }
        }
    }

    fn policy(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut text = Text::default();
        for (place, rate) in self.quota.rates().iter().enumerate() {
            text.push(if place == 0 { "" } else { ", " });
            self.name(place, rate, headers, &mut text);
            text.push(";q=");
            text.number(rate.count().into());
            text.push(";w=");
            text.number(rate.per().duration().as_secs());
        }
        text.value()
    }

    /// None where the counters tell of a rate that the quota does not have.
    fn limit(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let Tally { rate: place, remaining, wait, .. } = *self.tally;
        let rate = self.quota.rates().get(place)?;
        let mut text = Text::default();
        self.name(place, rate, headers, &mut text);
        text.push(";r=");
        text.number(remaining);
        text.push(";t=");
        text.number(match remaining {
            0 => seconds(wait).max(1),
            _ => remaining
                .saturating_mul(rate.per().duration().as_secs())
                .div_ceil(rate.count().into()),
        });
        text.value()
    }

    /// The unit of a rate, and the first number that no other one has.
    fn name(&self, place: usize, rate: &Rate, headers: &HeaderMap, text: &mut Text) {
        let unit = rate.per().name();
        text.push("\"");
        text.push(unit);
        let ours = self.quota.rates()[..place].iter().filter(|other| other.per() == rate.per());
        let number = if headers.contains_key(POLICY) || headers.contains_key(LIMIT) {
            free_number(unit, ours.count(), headers)
        } else {
            ours.count() + 1
        };
        if number > 1 {
            text.push("-");
            text.number(number as u64);
        }
        text.push("\"");
    }
}

/// The number behind so many others that no text of the fields which are there has after this name.
#[cold]
fn free_number(name: &str, before: usize, headers: &HeaderMap) -> usize {
    let lines = [POLICY, LIMIT].map(|field| headers.get_all(field));
    let lines = lines.iter().flatten().filter_map(|line| line.to_str().ok());
    // A quote that is escaped ends no text (RFC 9651 section 3.3.3); neither does our name have one.
    let lines: Vec<_> = lines.map(|line| line.replace("\\\\", "").replace("\\\"", "")).collect();
    let taken = lines.iter().flat_map(|line| line.split('"').skip(1).step_by(2));
    let taken = taken.filter_map(|text| match text.strip_prefix(name)? {
        "" => Some(1),
        number => number.strip_prefix('-')?.parse().ok(),
    });
    let taken: BTreeSet<usize> = taken.collect();
    (1..).filter(|number| !taken.contains(number)).nth(before).unwrap_or(usize::MAX)
}

/// A line, which takes no memory elsewhere where it is as short as most are: every answer has two, and
/// the formatting of the standard library takes longer than all else that is done for them.
#[derive(Default)]
struct Text {
    short: Short,
    used: usize,
    long: Vec<u8>,
}

struct Short([u8; 96]);

impl Default for Short {
    fn default() -> Self {
        Self([0; 96])
    }
}

impl Text {
    #[inline]
    fn push(&mut self, more: &str) {
        match self.short.0.get_mut(self.used..self.used + more.len()) {
            Some(place) if self.long.is_empty() => {
                place.copy_from_slice(more.as_bytes());
                self.used += more.len();
            }
            _ => self.push_long(more),
        }
    }

    #[cold]
    fn push_long(&mut self, more: &str) {
        if self.long.is_empty() {
            self.long.extend_from_slice(&self.short.0[..self.used]);
        }
        self.long.extend_from_slice(more.as_bytes());
    }

    fn number(&mut self, number: u64) {
        // As many as the largest has.
        let mut digits = [0; 20];
        let mut rest = number.min(MAX_INTEGER);
        let mut first = digits.len();
        loop {
            first -= 1;
            // One digit.
            #[allow(clippy::cast_possible_truncation)]
            let digit = (rest % 10) as u8;
            digits[first] = b'0' + digit;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.push(str::from_utf8(&digits[first..]).unwrap_or_default());
    }

    fn value(&self) -> Option<HeaderValue> {
        let bytes = if self.long.is_empty() { &self.short.0[..self.used] } else { &self.long };
        HeaderValue::from_bytes(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn put(rates: &[&str], tally: Tally, headers: &mut HeaderMap) {
        let quota = Quota::all_of(rates.iter().map(|rate| rate.parse().unwrap())).unwrap();
        Fields { quota: &quota, tally: &tally }.put(headers);
    }

    fn lines(headers: &HeaderMap, field: HeaderName) -> Vec<&str> {
        headers.get_all(field).iter().map(|line| line.to_str().unwrap()).collect()
    }

    #[test]
    fn lines_of_many_rates_and_of_the_largest_numbers_are_whole() {
        let units = ["second", "minute", "hour", "day"];
        let rates: Vec<_> =
            (0..24).map(|number| format!("{}/{}", u32::MAX, units[number % units.len()])).collect();
        let rates: Vec<_> = rates.iter().map(String::as_str).collect();
        let mut headers = HeaderMap::new();
        put(&rates, Tally::allowed(23, u64::MAX, Duration::ZERO), &mut headers);
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
    fn window_is_that_of_the_rate_and_at_the_end_the_wait() {
        for (remaining, wait, expected) in [
            (99, 0, r#""minute";r=99;t=60"#),
            (3, 0, r#""minute";r=3;t=2"#),
            (1, 0, r#""minute";r=1;t=1"#),
            (0, 600, r#""minute";r=0;t=1"#),
            (0, 12_001, r#""minute";r=0;t=13"#),
        ] {
            let mut headers = HeaderMap::new();
            let tally = Tally::allowed(0, remaining, Duration::from_millis(wait));
            put(&["100/minute"], tally, &mut headers);
            assert_eq!(lines(&headers, LIMIT), [expected]);
        }
    }

    #[test]
    fn fields_of_another_limit_stay_and_no_two_have_one_name() {
        let mut headers = HeaderMap::new();
        let theirs = r#""a\"b\\";q=5;w=1, "hour";q=9;w=3600, "minute-3";q=9;w=60"#;
        headers.append(POLICY, HeaderValue::from_static(theirs));
        put(&["10/minute"], Tally::allowed(0, 0, Duration::from_secs(6)), &mut headers);
        put(&["10/second", "100/minute"], Tally::allowed(1, 50, Duration::ZERO), &mut headers);
        put(&["7/hour"], Tally::allowed(0, 7, Duration::ZERO), &mut headers);
        headers.append(POLICY, HeaderValue::from_static(r#""day-2";q=5;w=86400;c="day""#));
        put(&["2/day", "3/day"], Tally::allowed(0, 2, Duration::ZERO), &mut headers);
        let policies = [
            theirs,
            r#""minute";q=10;w=60"#,
            r#""second";q=10;w=1, "minute-2";q=100;w=60"#,
            r#""hour-2";q=7;w=3600"#,
            r#""day-2";q=5;w=86400;c="day""#,
            r#""day-3";q=2;w=86400, "day-4";q=3;w=86400"#,
        ];
        assert_eq!(lines(&headers, POLICY), policies);
        let limits = [
            r#""minute";r=0;t=6"#,
            r#""minute-2";r=50;t=30"#,
            r#""hour-2";r=7;t=3600"#,
            r#""day-3";r=2;t=86400"#,
        ];
        assert_eq!(lines(&headers, LIMIT), limits);
    }

    #[test]
    fn rate_that_the_quota_does_not_have_is_not_told_of() {
        let mut headers = HeaderMap::new();
        put(&["10/minute"], Tally::allowed(1, 5, Duration::ZERO), &mut headers);
        assert_eq!((lines(&headers, POLICY).len(), lines(&headers, LIMIT).len()), (1, 0));
    }
}
