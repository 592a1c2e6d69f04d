use crate::client::{Network, ParseQuotaError, Quota, Rate, Scope};
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
        let text = value.text("a quota", QUOTA)?;
        return text.parse().map_err(|error| LoadErrorKind::Quota(error).at(position));
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
    let quota = |position| move |error: ParseQuotaError| LoadErrorKind::Quota(error).at(position);
    if !value.is_mapping() {
        return value.text("a limit", QUOTA)?.parse().map_err(quota(position));
    }
    let (mut rate, mut burst, mut seen) = (None, None, RATE.seen());
    while let Some((field, value)) = events.pair("the name of a field", RATE.hint)? {
        let position = value.position;
        match seen.field(field)? {
            RateField::Rate => {
                let text = value.text("a rate", "write it as `100/minute`")?;
                rate = Some(text.parse::<Rate>().map_err(quota(position))?);
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
        Some((burst, position)) => rate.with_burst(burst).map_err(quota(position)),
    }
}

/// Parses a list of scopes, each with its position.
pub(super) fn scopes(
    value: &Node<'_>,
    events: &mut Events<'_>,
) -> Result<Vec<(Scope, Position)>, LoadError> {
    value.sequence("a list of scopes", "write it as `[orders:read, stock:*]`")?;
    let mut scopes = Vec::new();
    while let Some(item) = events.entry()? {
        let position = item.position;
        let text = item.text("a scope", "write it as `orders:read`")?;
        let scope = text.parse().map_err(|error| LoadErrorKind::Scope(error).at(position))?;
        scopes.push((scope, position));
    }
    Ok(scopes)
}

/// Parses a list of networks, each with its position.
pub(super) fn networks(
    value: &Node<'_>,
    events: &mut Events<'_>,
) -> Result<Vec<(Network, Position)>, LoadError> {
    value.sequence("a list of networks", "write it as `[10.0.0.0/8, 2001:db8::/32]`")?;
    let mut networks = Vec::new();
    while let Some(item) = events.entry()? {
        let position = item.position;
        let text = item.text("a network", "write it as `10.0.0.0/8`")?;
        let network = text.parse().map_err(|error| LoadErrorKind::Network(error).at(position))?;
        networks.push((network, position));
    }
    if networks.is_empty() {
        return Err(LoadErrorKind::NoNetworks.at(value.position));
    }
    Ok(networks)
}
