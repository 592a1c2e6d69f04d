use std::time::SystemTime;

use crate::quota::{ParseQuotaError, Quota, Rate};
use crate::store::yaml::events::{Events, Node};
use crate::store::yaml::fault::{Fault, FaultKind};

use super::fields::Fields;

const QUOTA: &str =
    "write it as `100/minute`, as `{rate: 100/minute, burst: 20}`, or as a list of these";

const RATE: Fields = Fields {
    known: &["rate", "burst"],
    most: "rate",
    way_out: "a limit has a `rate` and a `burst`",
};

/// An instant (RFC 3339 section 5.6). The parser of jiff takes more than that: other separators, and
/// the name of a time zone behind the offset.
fn time(text: &str) -> Option<SystemTime> {
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

pub(super) fn time_of(value: Node<'_>) -> Result<SystemTime, Fault> {
    let place = value.place;
    let text = value.text("a time", "write it as in `2027-01-31T00:00:00Z`, or remove the line")?;
    time(&text).ok_or_else(|| FaultKind::Time.at(place))
}

pub(super) fn quota(value: Node<'_>, events: &mut Events<'_>) -> Result<Quota, Fault> {
    let place = value.place;
    if value.is_null() {
        return Err(FaultKind::NullQuota.at(place));
    }
    if value.is_mapping() {
        return Ok(limit(value, events)?.into());
    }
    if !value.is_sequence() {
        let text = value.text("a quota", QUOTA)?;
        return text.parse().map_err(|error| FaultKind::Quota(error).at(place));
    }
    let mut rates = Vec::new();
    while let Some(item) = events.entry()? {
        rates.push(limit(item, events)?);
    }
    Quota::all_of(rates).map_err(|error| FaultKind::Quota(error).at(place))
}

/// One of the limits of a quota, as a text or as a mapping.
fn limit(value: Node<'_>, events: &mut Events<'_>) -> Result<Rate, Fault> {
    let place = value.place;
    let quota = |place| move |error: ParseQuotaError| FaultKind::Quota(error).at(place);
    if !value.is_mapping() {
        return value.text("a limit", QUOTA)?.parse().map_err(quota(place));
    }
    let (mut rate, mut burst, mut seen) = (None, None, RATE.seen());
    while let Some((field, value)) = events.pair("the name of a field", RATE.way_out)? {
        let place = value.place;
        if seen.name(field)? == "rate" {
            let text = value.text("a rate", "write it as `100/minute`")?;
            rate = Some(text.parse::<Rate>().map_err(quota(place))?);
        } else {
            let text = value.text("a number", "write the burst as a whole number")?;
            // `u32::from_str` takes a leading plus sign, which the grammar does not.
            let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse());
            burst = Some((number.and_then(Result::ok).unwrap_or_default(), place));
        }
    }
    let rate = rate.ok_or_else(|| FaultKind::NoRate.at(place))?;
    match burst {
        None => Ok(rate),
        Some((burst, place)) => rate.with_burst(burst).map_err(quota(place)),
    }
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
            assert_eq!(time(text), Some(instant), "{text}");
        }
        let finer = instant + Duration::from_nanos(123_456_789);
        assert_eq!(time("2026-11-23T10:00:00.123456789Z"), Some(finer));
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
            assert_eq!(time(text), None, "{text}");
        }
    }
}
