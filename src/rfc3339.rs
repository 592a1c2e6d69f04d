//! Times as texts.

use std::time::SystemTime;

/// An instant (RFC 3339 section 5.6). The parser of jiff takes more than that: other separators, and
/// the name of a time zone behind the offset.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is = |place: usize, signs: &[u8]| bytes.get(place).is_some_and(|sign| signs.contains(sign));
    let date = digits(0..4) && is(4, b"-") && digits(5..7) && is(7, b"-") && digits(8..10);
    let clock = digits(11..13) && is(13, b":") && digits(14..16) && is(16, b":") && digits(17..19);
    let fraction = bytes[19.min(bytes.len())..].iter();
    let fraction = fraction.take_while(|byte| matches!(byte, b'.' | b'0'..=b'9')).count();
    let offset = bytes.get(19 + fraction..)?;
    let offset_fits = matches!(offset, b"Z" | b"z")
        || matches!(offset, [b'+' | b'-', h, i, b':', m, n]
            if [h, i, m, n].iter().all(|digit| digit.is_ascii_digit())
                && [*h, *i] < *b"24" && *m < b'6');
    if !(date && is(10, b"Tt") && clock && offset_fits) {
        return None;
    }
    // RFC 3339 knows 23:59:60, and a table of leap seconds is not worth it.
    text.parse::<jiff::Timestamp>().ok()?.try_into().ok()
}

/// An instant in UTC; without a fraction where there is none.
pub(crate) fn text(time: SystemTime) -> String {
    // Every time that a store holds is one that jiff knows: those of files were read by it.
    jiff::Timestamp::try_from(time).map_or_else(|_| String::new(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_are_those_of_rfc_3339_and_no_others() {
        let instant = UNIX_EPOCH + Duration::from_secs(1_795_428_000);
        for text in [
            "2026-11-23T10:00:00Z",
            "2026-11-23t10:00:00z",
            "2026-11-23T10:00:00.000Z",
            "2026-11-23T11:30:00+01:30",
            "2026-11-23T05:00:00-05:00",
            "2026-11-23T10:00:00-00:00",
        ] {
            assert_eq!(parse(text), Some(instant), "{text}");
        }
        let finer = instant + Duration::from_nanos(123_456_789);
        assert_eq!(parse("2026-11-23T10:00:00.123456789Z"), Some(finer));
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
            "2026-02-30T10:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:00:00+25:00",
            "+002026-11-23T10:00:00Z",
            "90d",
            "tomorrow",
            "2026-11-23T10:00:00é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
