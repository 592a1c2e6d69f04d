use std::time::SystemTime;

use crate::client::{ParseQuotaError, Quota, Rate};
use crate::key::rfc3339;
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

pub(super) fn time_of(value: Node<'_>) -> Result<SystemTime, Fault> {
    let place = value.place;
    let text = value.text("a time", "write it as in `2027-01-31T00:00:00Z`, or remove the line")?;
    rfc3339::parse(&text).map_err(|error| FaultKind::Time(error).at(place))
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
