//! Times as text (RFC 3339 section 5.6).

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::key::{Rounding, TimeError, Timestamp};

/// A civil time, because jiff's timestamps end two days before the year 9999 ends.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl FromStr for Timestamp {
    type Err = TimeError;

    /// # Errors
    ///
    /// The text is malformed, is not a valid date, or is out of range.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text, Rounding::Down)
    }
}

impl Timestamp {
    /// Parses a time as text. Fractions of a microsecond are rounded up, as for
    /// [`Lifetime::not_before`](crate::key::Lifetime::not_before), so that no key works before its beginning.
    ///
    /// ```
    /// use keygate::key::Timestamp;
    ///
    /// let begins = Timestamp::parse_rounded_up("2027-01-31T00:00:00.0000001Z")?;
    /// assert_eq!(begins.to_string(), "2027-01-31T00:00:00.000001Z");
    /// # Ok::<(), keygate::key::TimeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text is malformed, is not a valid date, or is out of range.
    pub fn parse_rounded_up(text: &str) -> Result<Self, TimeError> {
        Self::parse(text, Rounding::Up)
    }

    pub(crate) fn parse(text: &str, rounding: Rounding) -> Result<Self, TimeError> {
        let (clock, rest) = text.as_bytes().split_at_checked(19).ok_or(TimeError::Form)?;
        let (micros, rest) = fraction(rest, rounding).ok_or(TimeError::Form)?;
        let offset = offset(rest).ok_or(TimeError::Form)?;
        let is_leap_second = clock.ends_with(b":60");
        let local = date_time(clock, is_leap_second).ok_or(TimeError::Form)?;
        if is_leap_second {
            return Err(TimeError::LeapSecond);
        }
        let seconds = local.duration_since(EPOCH).as_secs() - offset;
        let seconds = u64::try_from(seconds).map_err(|_| TimeError::BeforeEpoch)?;
        Self::from_micros(seconds * 1_000_000 + micros)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = SignedDuration::from_micros(self.micros().cast_signed());
        write!(f, "{}Z", EPOCH.saturating_add(since))
    }
}

/// Parses a local time such as `2027-01-31T00:00:00`.
fn date_time(clock: &[u8], is_leap_second: bool) -> Option<DateTime> {
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if signs.iter().any(|(index, sign)| clock[*index].to_ascii_uppercase() != *sign) {
        return None;
    }
    let number = |range: Range<usize>| {
        let mut digits = clock[range].iter();
        digits.try_fold(0_i16, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'))
        })
    };
    let short = |range| number(range).and_then(|number| i8::try_from(number).ok());
    let second = if is_leap_second { 59 } else { short(17..19)? };
    let (month, day, hour, minute) = (short(5..7)?, short(8..10)?, short(11..13)?, short(14..16)?);
    DateTime::new(number(0..4)?, month, day, hour, minute, second, 0).ok()
}

/// Parses an optional fraction such as `.123456789`; returns its microseconds and the rest of the text.
fn fraction(text: &[u8], rounding: Rounding) -> Option<(u64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = text.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let padded = digits.iter().map(|digit| u64::from(digit - b'0')).chain([0; 6]);
    let micros = padded.take(6).fold(0, |micros, digit| micros * 10 + digit);
    let is_finer = digits.iter().skip(6).any(|digit| *digit != b'0');
    let more = u64::from(is_finer && rounding == Rounding::Up);
    (length > 0).then_some((micros + more, rest))
}

/// Parses an offset from UTC, in seconds.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h, i, b':', m, n] => {
            let two = |tens: &u8, ones: &u8| {
                let are_digits = tens.is_ascii_digit() && ones.is_ascii_digit();
                are_digits.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
            };
            let hours = two(h, i).filter(|hours| *hours < 24)?;
            let minutes = two(m, n).filter(|minutes| *minutes < 60)?;
            let ahead = hours * 3_600 + minutes * 60;
            Some(if *sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;

    fn parse(text: &str) -> Result<SystemTime, TimeError> {
        text.parse::<Timestamp>().map(Timestamp::system_time)
    }

    #[test]
    fn only_times_of_rfc_3339_are_parsed() {
        let instant = UNIX_EPOCH + Duration::from_secs(1_795_428_000);
        for text in [
            "2026-11-23T10:00:00Z",
            "2026-11-23t10:00:00z",
            "2026-11-23T10:00:00.000Z",
            "2026-11-23T11:30:00+01:30",
            "2026-11-23T05:00:00-05:00",
            "2026-11-23T10:00:00-00:00",
        ] {
            assert_eq!(parse(text), Ok(instant), "{text}");
        }
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T10:00:00",
            "2026-11-23 10:00:00Z",
            "2026-11-23T10:00Z",
            "20261123T100000Z",
            "2026-11-23T10:00:00+01",
            "2026-11-23T10:00:00+0100",
            "2026-11-23T10:00:00Z[Europe/Paris]",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00,5Z",
            "2026-11-23T10:00:00.5",
            "2026-02-30T10:00:00Z",
            "2026-13-23T10:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:60:00Z",
            "2026-11-23T10:00:61Z",
            "2026-11-32T10:00:60Z",
            "2026-11-23T10:00:00+24:00",
            "2026-11-23T10:00:00+23:60",
            "+002026-11-23T10:00:00Z",
            "90d",
            "tomorrow",
            "2026-11-23T10:00:00é",
            "２026-11-23T10:00:00Z",
        ] {
            assert_eq!(parse(text), Err(TimeError::Form), "{text}");
        }
        assert_eq!(parse("2016-12-31T23:59:60Z"), Err(TimeError::LeapSecond));
    }

    #[test]
    fn digits_below_the_microsecond_are_cut() {
        let instant = UNIX_EPOCH + Duration::from_secs(1_795_428_000);
        for (fraction, micros) in [
            (".1", 100_000),
            (".000001", 1),
            (".0000019", 1),
            (".123456789", 123_456),
            (".9999999999999999999999999", 999_999),
            (".0000000000000", 0),
        ] {
            let expected = instant + Duration::from_micros(micros);
            let text = format!("2026-11-23T10:00:00{fraction}Z");
            assert_eq!(parse(&text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn beginnings_are_rounded_up_to_the_microsecond() {
        let instant = UNIX_EPOCH + Duration::from_secs(1_795_428_000);
        for (fraction, micros) in [
            ("", 0),
            (".1", 100_000),
            (".0000000", 0),
            (".0000010", 1),
            (".0000011", 2),
            (".00000000001", 1),
            (".9999999", 1_000_000),
        ] {
            let text = format!("2026-11-23T10:00:00{fraction}Z");
            let parsed = Timestamp::parse_rounded_up(&text).map(Timestamp::system_time);
            assert_eq!(parsed, Ok(instant + Duration::from_micros(micros)), "{text}");
        }
        let last = Timestamp::parse_rounded_up("9999-12-31T23:59:59.9999999Z");
        assert_eq!(last, Err(TimeError::AfterEnd));
    }

    #[test]
    fn times_are_formatted_as_they_were_parsed() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59.5Z",
            "2116-02-20T23:53:39Z",
            "4021-01-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn times_out_of_range_are_refused() {
        for text in ["1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00Z"]
        {
            assert_eq!(parse(text), Err(TimeError::BeforeEpoch), "{text}");
        }
        assert_eq!(parse("9999-12-31T23:59:59-00:01"), Err(TimeError::AfterEnd));
        assert!(parse("9999-12-31T23:59:59+00:01").is_ok());
    }
}
