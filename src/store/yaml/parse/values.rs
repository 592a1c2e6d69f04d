use std::str::FromStr;

use crate::client::{Network, Quota, Rate, Scope};
use crate::key::{Rounding, Timestamp};
use crate::store::yaml::events::Events;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::Node;
use crate::store::yaml::position::Position;

use super::fields::Fields;

const QUOTA: &str =
    "write it as `100/minute`, as `{rate: 100/minute, burst: 20}`, or as a list of these";

#[derive(Clone, Copy)]
pub(super) enum RateField {
    Rate,
    Burst,
}

pub(super) const RATE: Fields<RateField> = Fields {
    known: &[("rate", RateField::Rate), ("burst", RateField::Burst)],
    fallback: "rate",
    hint: "a limit has a `rate` and a `burst`",
};

/// Parses a text.
pub(super) fn parsed<T: FromStr>(
    value: Node<'_>,
    expected: &'static str,
    hint: &'static str,
    error: fn(T::Err) -> LoadErrorKind,
) -> Result<T, LoadError> {
    let position = value.position;
    value.text(expected, hint)?.parse().map_err(|fault| error(fault).at(position))
}

pub(super) fn time_of(value: Node<'_>, rounding: Rounding) -> Result<Timestamp, LoadError> {
    let position = value.position;
    let text = value.text("a time", "write it as in `2027-01-31T00:00:00Z`, or remove the line")?;
    Timestamp::parse(&text, rounding).map_err(|error| LoadErrorKind::Time(error).at(position))
}

pub(super) fn quota(value: Node<'_>, events: &mut Events<'_>) -> Result<Quota, LoadError> {
    let position = value.position;
    if value.is_null() {
        return Err(LoadErrorKind::NullQuota.at(position));
    }
    if value.is_mapping() {
        return Ok(limit(value, events)?.into());
    }
    if !value.is_sequence() {
        return parsed(value, "a quota", QUOTA, LoadErrorKind::Quota);
    }
    let mut rates = Vec::new();
    while let Some(item) = events.entry()? {
        rates.push(limit(item, events)?);
    }
    Quota::all_of(rates).map_err(|error| LoadErrorKind::Quota(error).at(position))
}

/// Parses one rate of a quota, written as a text or as a mapping.
fn limit(value: Node<'_>, events: &mut Events<'_>) -> Result<Rate, LoadError> {
    let position = value.position;
    if !value.is_mapping() {
        return parsed(value, "a limit", QUOTA, LoadErrorKind::Quota);
    }
    let (mut rate, mut burst, mut seen) = (None, None, RATE.seen());
    while let Some((field, value)) = events.pair("the name of a field", RATE.hint)? {
        let position = value.position;
        match seen.field(field)? {
            RateField::Rate => {
                let hint = "write it as `100/minute`";
                rate = Some(parsed::<Rate>(value, "a rate", hint, LoadErrorKind::Quota)?);
            }
            RateField::Burst => {
                let text = value.number("a number", "write the burst as a whole number")?;
                // `u32::from_str` accepts a leading plus sign, the grammar does not.
                let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse());
                burst = Some((number.and_then(Result::ok).unwrap_or_default(), position));
            }
        }
    }
    let rate = rate.ok_or_else(|| LoadErrorKind::NoRate.at(position))?;
    match burst {
        None => Ok(rate),
        Some((burst, position)) => {
            rate.with_burst(burst).map_err(|error| LoadErrorKind::Quota(error).at(position))
        }
    }
}

/// Parses a list of scopes, each with its position.
pub(super) fn scopes(
    value: &Node<'_>,
    events: &mut Events<'_>,
) -> Result<Vec<(Scope, Position)>, LoadError> {
    value.sequence("a list of scopes", "write it as `[orders:read, stock:*]`")?;
    list(events, "a scope", "write it as `orders:read`", LoadErrorKind::Scope)
}

/// Parses a list of networks, each with its position.
pub(super) fn networks(
    value: &Node<'_>,
    events: &mut Events<'_>,
) -> Result<Vec<(Network, Position)>, LoadError> {
    value.sequence("a list of networks", "write it as `[10.0.0.0/8, 2001:db8::/32]`")?;
    let networks = list(events, "a network", "write it as `10.0.0.0/8`", LoadErrorKind::Network)?;
    if networks.is_empty() {
        return Err(LoadErrorKind::NoNetworks.at(value.position));
    }
    Ok(networks)
}

fn list<T: FromStr>(
    events: &mut Events<'_>,
    expected: &'static str,
    hint: &'static str,
    error: fn(T::Err) -> LoadErrorKind,
) -> Result<Vec<(T, Position)>, LoadError> {
    let mut list = Vec::new();
    while let Some(item) = events.entry()? {
        let position = item.position;
        list.push((parsed(item, expected, hint, error)?, position));
    }
    Ok(list)
}
