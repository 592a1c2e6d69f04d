//! The texts in the columns of a client or key.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{
    ClientProfile, Network, ParseNetworkError, ParseScopeError, Quota, Rate, Scope,
};

pub(super) fn scopes(texts: &[String]) -> Result<Vec<Scope>, String> {
    let scopes = texts.iter().map(|text| text.parse()).collect::<Result<_, ParseScopeError>>();
    scopes.map_err(|error| error.to_string())
}

pub(super) fn networks(texts: &[String]) -> Result<Vec<Network>, String> {
    let networks = texts.iter().map(|text| text.parse()).collect::<Result<_, ParseNetworkError>>();
    networks.map_err(|error| format!("its networks: {error}"))
}

pub(super) fn metadata(text: &str) -> Result<BTreeMap<String, String>, String> {
    match text {
        "{}" => Ok(BTreeMap::new()),
        text => serde_json::from_str(text)
            .map_err(|_| "its metadata is not an object of strings".to_owned()),
    }
}

const QUOTA: &str = "its quota is not `\"100/minute\"`, `{\"rate\": \"100/minute\", \"burst\": 20}`, \
                     a list of these, or `\"unlimited\"`";

pub(super) fn quota(text: &str) -> Result<Quota, String> {
    let value: Value = serde_json::from_str(text).map_err(|_| QUOTA.to_owned())?;
    match &value {
        Value::String(text) => text.parse().map_err(|error| format!("its quota: {error}")),
        Value::Array(rates) => {
            let rates = rates.iter().map(parse_rate).collect::<Result<Vec<_>, _>>()?;
            Quota::all_of(rates).map_err(|error| format!("its quota: {error}"))
        }
        value => Ok(parse_rate(value)?.into()),
    }
}

fn parse_rate(value: &Value) -> Result<Rate, String> {
    let rate = |text: &str| text.parse::<Rate>().map_err(|error| format!("its quota: {error}"));
    match value {
        Value::String(text) => rate(text),
        Value::Object(fields) => {
            let known = fields.keys().all(|field| field == "rate" || field == "burst");
            let text = fields.get("rate").and_then(Value::as_str).filter(|_| known);
            let plain = rate(text.ok_or(QUOTA)?)?;
            let Some(burst) = fields.get("burst") else { return Ok(plain) };
            let burst = burst.as_u64().and_then(|burst| u32::try_from(burst).ok());
            plain.with_burst(burst.ok_or(QUOTA)?).map_err(|error| format!("its quota: {error}"))
        }
        _ => Err(QUOTA.to_owned()),
    }
}

/// Encodes a quota for its column.
pub(in crate::store) fn quota_text(quota: &Quota) -> String {
    json!(quota).to_string()
}

/// Encodes metadata for its column.
pub(in crate::store) fn metadata_text(profile: &ClientProfile) -> String {
    json!(profile.metadata()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_quota_parses_to_the_same_quota() {
        let rate = |text: &str| text.parse::<Rate>().unwrap();
        let quotas = [
            "unlimited".parse().unwrap(),
            "100/minute".parse().unwrap(),
            rate("100/minute").with_burst(20).unwrap().into(),
            Quota::all_of([rate("10/second"), rate("9/day").with_burst(1).unwrap()]).unwrap(),
        ];
        for quota in quotas {
            assert_eq!(super::quota(&quota_text(&quota)), Ok(quota));
        }
    }

    #[test]
    fn invalid_quota_is_an_error() {
        for text in [
            "",
            "null",
            "7",
            "[]",
            "{}",
            "\"0/minute\"",
            "\"100\"",
            "[\"unlimited\"]",
            "{\"rate\":\"1/day\",\"burst\":0}",
            "{\"rate\":\"1/day\",\"burst\":-1}",
            "{\"rate\":\"1/day\",\"burst\":36526}",
            "{\"rate\":\"1/day\",\"brust\":2}",
            "{\"burst\":2}",
            "[[\"1/day\"]]",
        ] {
            assert!(quota(text).is_err(), "{text}");
        }
    }
}
