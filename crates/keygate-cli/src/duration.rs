use std::time::Duration;

const UNITS: [(char, u64); 5] =
    [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60), ('w', 7 * 24 * 60 * 60)];

/// Reads digits and a unit: `90d`, `12h`, `30m` (minutes), `45s`, `2w`.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).unwrap_or_default();
    let unit = UNITS.iter().find(|(name, _)| unit.starts_with(*name));
    let Some((_, seconds)) = unit else { return Err(DurationError::Form) };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DurationError::Form);
    }
    let seconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(*seconds));
    seconds.map(Duration::from_secs).ok_or(DurationError::TooLong)
}

/// As [`parse`], for what must not end at once.
pub(crate) fn parse_positive(text: &str) -> Result<Duration, DurationError> {
    parse(text).and_then(|time| if time.is_zero() { Err(DurationError::Zero) } else { Ok(time) })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("a duration is digits and one of s, m (minutes), h, d and w, such as 90d")]
    Form,
    #[error("the duration reaches beyond the end of 9999: choose a shorter one")]
    TooLong,
    #[error("the duration is zero: choose a longer one")]
    Zero,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_digits_and_a_unit() {
        let cases = [
            ("45s", 45),
            ("30m", 1_800),
            ("12h", 43_200),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
            ("007d", 604_800),
            ("0s", 0),
            ("18446744073709551615s", u64::MAX),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        let others = [
            "", "d", "90", "90 d", " 90d", "+90d", "-1d", "1.5d", "90D", "90y", "90é", "é", "٣d",
            "1d12h",
        ];
        for text in others {
            assert_eq!(parse(text), Err(DurationError::Form), "{text}");
        }
    }

    #[test]
    fn durations_that_overflow_are_too_long() {
        for text in ["18446744073709551616s", "18446744073709551615m", "99999999999999999999999w"] {
            assert_eq!(parse(text), Err(DurationError::TooLong), "{text}");
        }
    }

    #[test]
    fn zero_is_refused_where_something_would_end_at_once() {
        assert_eq!(parse_positive("0d"), Err(DurationError::Zero));
        assert_eq!(parse_positive("1s"), Ok(Duration::from_secs(1)));
    }
}
