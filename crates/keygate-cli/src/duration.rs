use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Parses a duration such as `90d`, `12h`, `1d 12h` or `P90D`: jiff's formats, with days of 24 hours.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    // jiff reports a number that fits no integer as a syntax error.
    let mut numbers = text.split(|character: char| !character.is_ascii_digit());
    let is_long = numbers.any(|number| number.trim_start_matches('0').len() > 18);
    let faulty = |error: jiff::Error| {
        if is_long || error.is_range() { DurationError::TooLong } else { DurationError::Form }
    };
    let span = text.parse::<Span>().map_err(faulty)?;
    // Months and years have no fixed length.
    let days = SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).map_err(|_| DurationError::Form)?;
    Duration::try_from(duration).map_err(|_| DurationError::Form)
}

/// Parses a duration that is not zero.
pub(crate) fn parse_positive(text: &str) -> Result<Duration, DurationError> {
    parse(text).and_then(|time| if time.is_zero() { Err(DurationError::Zero) } else { Ok(time) })
}

/// Formats a lifetime as in key files, in its largest unit.
pub(crate) fn written(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    match units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("write the duration as `90d` or `12h`, with the units w, d, h, m (minutes) and s")]
    Form,
    #[error("the duration ends after the year 9999: choose a shorter one")]
    TooLong,
    #[error("the duration is zero: choose a longer one")]
    Zero,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_numbers_with_units() {
        let cases = [
            ("45s", 45),
            ("30m", 1_800),
            ("12h", 43_200),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
            ("007d", 604_800),
            ("0s", 0),
            ("1d12h", 129_600),
            ("1d 12h", 129_600),
            ("90 days", 7_776_000),
            ("P90D", 7_776_000),
            ("631107417600s", 631_107_417_600),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn duration_without_a_fixed_length_is_refused() {
        let others =
            ["", "d", "90", " 90d", "-1d", "1.5d", "1y", "2mo", "90é", "é", "\u{663}d", "1d ago"];
        for text in others {
            assert_eq!(parse(text), Err(DurationError::Form), "{text}");
        }
    }

    #[test]
    fn duration_out_of_range_is_too_long() {
        for text in ["9999999d", "99999999w", "18446744073709551615s", "99999999999999999999d"] {
            assert_eq!(parse(text), Err(DurationError::TooLong), "{text}");
        }
    }

    #[test]
    fn zero_is_refused_where_something_would_end_at_once() {
        assert_eq!(parse_positive("0d"), Err(DurationError::Zero));
        assert_eq!(parse_positive("1s"), Ok(Duration::from_secs(1)));
    }
}
