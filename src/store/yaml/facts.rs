//! The fields of keys, clients and policies, in the order in which key files, sections of settings and the log of
//! changes have them. Absent fields are null or empty.

use super::value::Value;
use crate::client::{ProfileParts, Quota, Rate};
use crate::key::KeyDigest;
use crate::manage::{ClientFacts, KeyFacts, Policy};

pub(super) type Fields = Vec<(String, Value)>;

/// Returns the fields of a key, apart from its digest and client.
pub(super) fn key_fields(key: &KeyFacts) -> Fields {
    let KeyFacts {
        digest: _,
        client: _,
        label,
        scopes,
        networks,
        created,
        lifetime,
        revoked,
        replaced_by,
    } = key;
    let [beginning, expiry] = lifetime.times().map(|(name, at)| (name, Value::plain(at)));
    named([
        ("label", optional(label.as_deref())),
        ("scopes", Value::texts(scopes)),
        ("networks", Value::texts(networks)),
        ("created", Value::plain(*created)),
        beginning,
        expiry,
        ("replaced_by", Value::plain(*replaced_by)),
        ("revoked", Value::plain(*revoked)),
    ])
}

/// Returns a key of a file.
pub(super) fn with_digest(digest: KeyDigest, fields: Fields) -> Value {
    let digest = named([("digest", Value::Plain(digest.to_text()))]);
    Value::Mapping(digest.into_iter().chain(fields).collect())
}

/// Returns the fields of a client, apart from its name and keys.
pub(super) fn client_fields(client: &ClientFacts) -> Fields {
    let ClientFacts { profile, enabled } = client;
    let ProfileParts { name: _, title, scopes, networks, quota, metadata } = profile.parts();
    let metadata = metadata.iter().map(|(name, value)| (name.clone(), Value::text(value)));
    named([
        ("enabled", Value::Bool(*enabled)),
        ("title", optional(title)),
        ("scopes", Value::texts(scopes)),
        ("networks", Value::texts(networks)),
        ("quota", quota.map_or(Value::Null, quota_value)),
        ("metadata", Value::flow_mapping(metadata.collect())),
    ])
}

pub(super) fn policy_fields(policy: Policy) -> Fields {
    let Policy { max_lifetime, default_lifetime, require_expiry } = policy;
    named([
        ("max_lifetime", Value::plain(max_lifetime)),
        ("default_lifetime", Value::plain(default_lifetime)),
        ("require_expiry", Value::Bool(require_expiry)),
    ])
}

pub(super) fn named<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Leaves out the fields that are absent.
pub(super) fn present(mut fields: Fields) -> Fields {
    fields.retain(|(_, value)| !value.is_empty());
    fields
}

pub(super) fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::text)
}

fn quota_value(quota: &Quota) -> Value {
    match quota.rates() {
        [] => Value::Plain("unlimited".to_owned()),
        [only] => rate_value(only),
        rates => Value::flow_list(rates.iter().map(rate_value)),
    }
}

fn rate_value(rate: &Rate) -> Value {
    let text = Value::Plain(rate.without_burst());
    if rate.burst() == rate.count() {
        return text;
    }
    Value::flow_mapping(named([("rate", text), ("burst", Value::Number(rate.burst()))]))
}
