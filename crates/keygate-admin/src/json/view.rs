//! The JSON form of clients, keys and events.

use std::collections::BTreeMap;
use std::time::SystemTime;

use keygate::client::Network;
use keygate::key::Timestamp;
use keygate::manage::{ChangeEvent, ClientInfo, KeyInfo};
use keygate::{KeyId, Quota, Scope};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{
    ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};

/// Formats a time as RFC 3339 in UTC.
pub(crate) fn time(time: SystemTime) -> String {
    Timestamp::nearest(time).to_string()
}

/// A client.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Client)]
pub(crate) struct ClientView {
    /// The client's identifier, which never changes.
    name: String,
    /// A readable name.
    title: Option<String>,
    /// Whether its keys work.
    enabled: bool,
    #[schema(value_type = Vec<String>, example = json!(["orders:read"]))]
    scopes: Vec<Scope>,
    /// The networks from which its keys may be used. If empty, they may be used from anywhere.
    #[schema(value_type = Vec<String>, example = json!(["10.0.0.0/8"]))]
    networks: Vec<Network>,
    #[schema(schema_with = quota_schema)]
    quota: Option<Quota>,
    metadata: BTreeMap<String, String>,
    /// The number of its keys, including expired ones, without revoked ones.
    keys: usize,
    /// Another one after every change: the `ETag` without quotes.
    version: String,
}

impl ClientView {
    pub(crate) fn of(client: &ClientInfo) -> Self {
        let profile = &client.profile;
        Self {
            name: profile.name().to_owned(),
            title: profile.title().map(ToOwned::to_owned),
            enabled: client.enabled,
            scopes: profile.scopes().to_vec(),
            networks: profile.networks().to_vec(),
            quota: profile.quota().cloned(),
            metadata: profile.metadata().clone(),
            keys: client.keys,
            version: client.version().to_string(),
        }
    }
}

/// A key, without its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyView {
    #[schema(value_type = String, example = "1f0c2b7a9d3e4c58")]
    key_id: KeyId,
    /// The name of its client.
    client: String,
    label: Option<String>,
    /// Whether the key works now. Missing in the `current` of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<KeyStatusView>, nullable = false)]
    status: Option<&'static str>,
    /// The scopes to which the key is narrowed. If empty, the key has all scopes of its client.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// The networks to which the key is narrowed. If empty, the key has all networks of its client.
    #[schema(value_type = Vec<String>)]
    networks: Vec<Network>,
    #[schema(format = DateTime)]
    created: Option<String>,
    #[schema(format = DateTime)]
    not_before: Option<String>,
    #[schema(format = DateTime)]
    expires: Option<String>,
    #[schema(format = DateTime)]
    revoked: Option<String>,
    /// The key that replaced it.
    #[schema(value_type = Option<String>)]
    replaced_by: Option<KeyId>,
    /// A time in RFC 3339, `never`, or `unknown`.
    last_used: String,
    /// Another one after every change: the `ETag` without quotes.
    version: String,
}

/// Whether a key works.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyStatus)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "the schema of the names of `keygate::manage::KeyStatus`")]
pub(crate) enum KeyStatusView {
    /// The key works.
    Active,
    /// The key will start to work later.
    NotYetValid,
    /// The key was replaced by another one, and works until it expires.
    Replaced,
    /// The client of the key is disabled.
    Disabled,
    /// The key has expired.
    Expired,
    /// The key was revoked.
    Revoked,
}

impl KeyView {
    pub(crate) fn of(key: &KeyInfo, now: SystemTime) -> Self {
        Self { status: Some(key.status(now).name()), ..Self::unwatched(key) }
    }

    /// Returns a key without its status.
    pub(crate) fn unwatched(key: &KeyInfo) -> Self {
        Self {
            key_id: key.key_id,
            client: key.client.clone(),
            label: key.label.clone(),
            status: None,
            scopes: key.scopes.clone(),
            networks: key.networks.clone(),
            created: key.created.map(time),
            not_before: key.not_before().map(time),
            expires: key.expires().map(time),
            revoked: key.revoked.map(time),
            replaced_by: key.replaced_by,
            last_used: key.last_used.to_string(),
            version: key.version().to_string(),
        }
    }
}

/// A recorded change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    #[schema(format = DateTime)]
    at: String,
    /// Who made the change, as the program reported it.
    actor: Option<String>,
    /// The program that made the change.
    tool: Option<String>,
    #[schema(example = "key.revoked")]
    action: &'static str,
    client: Option<String>,
    #[schema(value_type = Option<String>)]
    key_id: Option<KeyId>,
    /// The client, key or policy before the change. A key is shown without its digest.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// The client, key or policy after the change.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
}

impl EventView {
    pub(crate) fn of(event: &ChangeEvent) -> Self {
        let object = |json: &Option<String>| {
            let value = serde_json::from_str(json.as_deref()?).ok();
            value.filter(Value::is_object)
        };
        Self {
            at: time(event.at),
            actor: event.actor.clone(),
            tool: event.tool.clone(),
            action: event.action.name(),
            client: event.client.clone(),
            key_id: event.key_id,
            before: object(&event.before),
            after: object(&event.after),
        }
    }
}

/// A quota: one rate, several rates, `unlimited`, or `null`.
pub(crate) fn quota_schema() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String).examples(["100/minute"]);
    let burst = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let with_burst = || {
        let rate = ObjectBuilder::new().property("rate", text()).property("burst", burst());
        rate.required("rate").required("burst")
    };
    let rates = ArrayBuilder::new().items(OneOfBuilder::new().item(text()).item(with_burst()));
    let none = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
    let forms = OneOfBuilder::new().item(text()).item(with_burst()).item(rates).item(none);
    let what = "A rate such as `100/minute`, a rate with a different burst, a list of these, or `unlimited`";
    Schema::OneOf(forms.description(Some(what)).build())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use keygate::MemoryStore;
    use keygate::manage::{LastUsed, TransferKeys as _};
    use keygate::testing::keys_of_every_kind;
    use serde_json::json;

    use super::*;

    /// A new field of a client must be in the document, too.
    #[tokio::test]
    async fn document_has_every_field_of_a_client() {
        let store = MemoryStore::new();
        store.import_keys(&keys_of_every_kind()).await.unwrap();
        for client in store.list_clients() {
            let (fields, document) = (json!(client), json!(ClientView::of(&client)));
            for (field, value) in fields.as_object().unwrap() {
                assert_eq!(document[field], *value, "{field}: {document}");
            }
        }
    }

    /// A new field of a key must be in the document, too.
    #[tokio::test]
    async fn document_has_every_field_of_a_key() {
        let store = MemoryStore::new();
        store.import_keys(&keys_of_every_kind()).await.unwrap();
        let mut keys = store.list_keys(None).unwrap().into_iter();
        let has_every_fact = |key: &KeyInfo| key.revoked.is_some() && key.replaced_by.is_some();
        let mut key = keys.find(has_every_fact).unwrap();
        key.last_used = LastUsed::At(UNIX_EPOCH);
        let (fields, document) = (json!(key), json!(KeyView::of(&key, UNIX_EPOCH)));
        for (field, value) in fields.as_object().unwrap() {
            // The status has the state.
            let shown = if field == "state" { "status" } else { field };
            assert!(!value.is_null() && document[shown] == *value, "{field}: {document}");
        }
    }
}
