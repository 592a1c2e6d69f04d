use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use super::counters::Tally;
use super::gcra::seconds;
use crate::quota::Quota;

/// The fields of draft-ietf-httpapi-ratelimit-headers-11 (May 2026), which name no client and no key.
///
/// `RateLimit-Policy` lists all rates, each under the name of its unit: `q` requests in `w` seconds.
/// `RateLimit` tells of the tightest: `r` are left, and all of the burst in `t` seconds.
pub(crate) struct Fields<'a> {
    pub(super) quota: &'a Quota,
    pub(super) tally: &'a Tally,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

impl Fields<'_> {
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        for (field, value) in [(POLICY, self.policy()), (LIMIT, self.limit())] {
            if let Some(value) = value {
                headers.insert(field, value);
            }
        }
    }

    fn policy(&self) -> Option<HeaderValue> {
        let mut text = Text::default();
        for (place, rate) in self.quota.rates().iter().enumerate() {
            text.push(if place == 0 { "" } else { ", " });
            self.name(place, &mut text);
            text.push(";q=");
            text.number(rate.count().into());
            text.push(";w=");
            text.number(rate.per().duration().as_secs());
        }
        text.value()
    }

    fn limit(&self) -> Option<HeaderValue> {
        let mut text = Text::default();
        self.name(self.tally.rate, &mut text);
        text.push(";r=");
        text.number(self.tally.remaining);
        text.push(";t=");
        text.number(seconds(self.tally.full_in));
        text.value()
    }

    /// The unit of a rate, and its number among those of the same unit.
    fn name(&self, place: usize, text: &mut Text) {
        let rates = self.quota.rates();
        let Some(rate) = rates.get(place) else { return text.push("\"default\"") };
        text.push("\"");
        text.push(rate.per().name());
        let before = rates[..place].iter().filter(|other| other.per() == rate.per()).count();
        if before > 0 {
            text.push("-");
            text.number(before as u64 + 1);
        }
        text.push("\"");
    }
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
        let mut rest = number;
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
    use crate::quota::Rate;

    #[test]
    fn lines_of_many_rates_and_of_the_largest_numbers_are_whole() {
        let units = ["second", "minute", "hour", "day"];
        let rates = (0..24).map(|number| {
            let unit = units[number % units.len()];
            format!("{}/{unit}", u32::MAX).parse::<Rate>().unwrap()
        });
        let quota = Quota::all_of(rates).unwrap();
        let tally = Tally::allowed(23, u64::MAX, Duration::from_secs(u64::MAX));
        let mut headers = HeaderMap::new();
        Fields { quota: &quota, tally: &tally }.put(&mut headers);
        let expected = |number: usize| {
            let count = number / units.len() + 1;
            let count = if count == 1 { String::new() } else { format!("-{count}") };
            let window = [1, 60, 3_600, 86_400][number % units.len()];
            format!("\"{}{count}\";q=4294967295;w={window}", units[number % units.len()])
        };
        let policy = (0..24).map(expected).collect::<Vec<_>>().join(", ");
        assert_eq!(headers[POLICY], policy);
        let limit = r#""day-6";r=18446744073709551615;t=18446744073709551615"#;
        assert_eq!(headers[LIMIT], limit);
    }
}
