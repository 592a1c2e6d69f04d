use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::client::{ClientProfile, ParseScopeError, Quota, Rate};
use crate::error::StoreError;
use crate::key::{KeyDigest, KeyId, KeyState};
use crate::manage::{KeyInfo, KeyMetadata};

/// A row of the clients.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct ClientRow {
    pub(in crate::store) profile: ClientProfile,
    pub(in crate::store) enabled: bool,
}

/// A row of the keys.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct KeyRow {
    pub(in crate::store) digest: KeyDigest,
    pub(in crate::store) client: String,
    /// Whether the client is enabled, from the client's row.
    pub(in crate::store) enabled: bool,
    pub(in crate::store) expires: Option<SystemTime>,
    pub(in crate::store) metadata: KeyMetadata,
}

impl KeyRow {
    pub(in crate::store) fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }

    pub(in crate::store) fn state(&self) -> KeyState {
        match (&self.metadata.revoked, self.enabled) {
            (Some(_), _) => KeyState::Revoked,
            (None, false) => KeyState::Disabled,
            (None, true) => KeyState::Active,
        }
    }

    pub(in crate::store) fn info(self) -> KeyInfo {
        KeyInfo {
            key_id: self.key_id(),
            state: self.state(),
            client: self.client,
            label: self.metadata.label.map(Into::into),
            created: self.metadata.created,
            expires: self.expires,
            revoked: self.metadata.revoked,
            replaced_by: self.metadata.replaced_by,
        }
    }
}

/// The valid columns of a row, and the first error in it.
#[derive(Clone, Debug)]
pub(in crate::store) struct PartialRow<T> {
    pub(in crate::store) row: T,
    pub(in crate::store) error: Option<BadRow>,
}

impl<T> PartialRow<T> {
    pub(in crate::store) fn complete(self) -> Result<T, BadRow> {
        self.error.map_or(Ok(self.row), Err)
    }
}

/// Returns the column. If it is invalid, keeps the first error of the row, and returns the default.
pub(in crate::store) fn keep_error<T: Default>(
    error: &mut Option<BadRow>,
    column: Result<T, BadRow>,
) -> T {
    column.unwrap_or_else(|bad| {
        error.get_or_insert(bad);
        T::default()
    })
}

/// The error for an invalid row, which keygate does not write.
///
/// It names the client or the id of the key, so that the operator can find the row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row of {subject} cannot be used: {why}")]
pub(in crate::store) struct BadRow {
    pub(in crate::store) subject: String,
    pub(in crate::store) why: String,
}

impl BadRow {
    pub(in crate::store) fn client(name: &str, why: impl Into<String>) -> Self {
        Self { subject: format!("the client `{name}`"), why: why.into() }
    }

    pub(in crate::store) fn key(key_id: KeyId, why: impl Into<String>) -> Self {
        Self { subject: format!("the key {key_id}"), why: why.into() }
    }
}

impl From<BadRow> for StoreError {
    fn from(row: BadRow) -> Self {
        Self::new(row)
    }
}

/// Builds a profile from the columns of a client.
pub(in crate::store) fn profile(
    name: &str,
    scopes: &[String],
    quota: Option<&str>,
    metadata: &str,
) -> Result<ClientProfile, BadRow> {
    let bad = |why: String| BadRow::client(name, why);
    let mut profile = ClientProfile::new(name);
    if !scopes.is_empty() {
        let scopes = scopes.iter().map(|scope| scope.parse()).collect::<Result<Vec<_>, _>>();
        profile =
            profile.with_scopes(scopes.map_err(|error: ParseScopeError| bad(error.to_string()))?);
    }
    if let Some(quota) = quota {
        profile = profile.with_quota(parse_quota(quota).map_err(bad)?);
    }
    if metadata != "{}" {
        let metadata: BTreeMap<String, String> = serde_json::from_str(metadata)
            .map_err(|_| bad("its metadata is not an object of strings".to_owned()))?;
        profile = profile.with_metadata(metadata);
    }
    profile.validate().map_err(|error| bad(error.to_string()))?;
    Ok(profile)
}

const QUOTA: &str = "its quota is not `\"100/minute\"`, `{\"rate\": \"100/minute\", \"burst\": 20}`, \
                     a list of these, or `\"unlimited\"`";

fn parse_quota(text: &str) -> Result<Quota, String> {
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
    let pairs = profile.metadata().iter();
    let pairs: Map<_, _> = pairs.map(|(name, text)| (name.clone(), json!(text))).collect();
    Value::Object(pairs).to_string()
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
            assert_eq!(parse_quota(&quota_text(&quota)), Ok(quota));
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
            assert!(parse_quota(text).is_err(), "{text}");
        }
    }

    #[test]
    fn error_of_an_invalid_profile_names_the_client() {
        let scopes = |scope: &str| vec![scope.to_owned()];
        assert!(profile("App 1", &scopes("orders:read"), None, "{\"team\":\"a\"}").is_ok());
        for (name, scope, metadata) in [
            ("App 1", "Orders", "{}"),
            ("App 1", "orders", "{\"team\":1}"),
            ("App 1", "orders", "[]"),
            (" App 1", "orders", "{}"),
        ] {
            let error = profile(name, &scopes(scope), None, metadata).unwrap_err();
            assert!(error.to_string().contains(&format!("the client `{name}`")), "{error}");
        }
        let quota = Some("{\"rate\":\"1/day\",\"burst\":36526}");
        let error = profile("App 1", &[], quota, "{}").unwrap_err().to_string();
        assert!(error.contains("the client `App 1`") && error.contains("100 years"), "{error}");
    }
}
