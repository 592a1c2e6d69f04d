use std::collections::{BTreeMap, HashMap, HashSet};

use super::edit::{Edit, Field, Value};
use crate::key::Timestamp;
use crate::manage::{ClientFacts, Export, KeyFacts, Policy, Span};

/// Writes the difference between two states of the keys into the text of a file.
pub(super) fn write_changes(edit: &mut Edit<'_>, before: &Export, after: &Export) {
    let known = before.clients().iter().map(|client| (client.profile.name(), client));
    let mut known = known.collect::<HashMap<_, _>>();
    for client in after.clients() {
        let name = client.profile.name();
        match known.remove(name) {
            None => edit.add_client(name, fields_of_client(client)),
            Some(old) => {
                if old.enabled != client.enabled {
                    edit.set_enabled(name, client.enabled);
                }
                let [old, new] = [old, client].map(|client| Value::client(&client.profile));
                let changed = changed(&old, new);
                if !changed.is_empty() {
                    edit.set_client(name, changed);
                }
            }
        }
    }
    // A client is removed with its keys.
    for removed in known.keys() {
        edit.remove_client(removed);
    }

    let present = after.keys().iter().map(|key| key.digest).collect::<HashSet<_>>();
    let gone =
        |key: &&KeyFacts| !present.contains(&key.digest) && !known.contains_key(&*key.client);
    let mut removed = BTreeMap::<_, Vec<_>>::new();
    for key in before.keys().iter().filter(gone) {
        removed.entry(&*key.client).or_default().push(key.digest);
    }
    for (client, digests) in removed {
        edit.remove_keys(client, &digests);
    }

    let known = before.keys().iter().map(|key| (key.key_id(), key)).collect::<HashMap<_, _>>();
    let (kept, new) =
        after.keys().iter().partition::<Vec<_>, _>(|key| known.contains_key(&key.key_id()));
    for key in kept {
        let changed = changed(&fields_of(known[&key.key_id()]), fields_of(key));
        if !changed.is_empty() {
            edit.set_key(key.digest, changed);
        }
    }
    for key in new {
        edit.add_key(&key.client, fields_of(key));
    }
}

/// Writes the policy, if it changes.
pub(super) fn write_policy(edit: &mut Edit<'_>, before: Policy, after: Policy) {
    if before != after {
        let Policy { max_lifetime, default_lifetime, require_expiry } = after;
        let span = |span: Span| Value::Raw(span.to_string());
        let fields = [
            ("max_lifetime", max_lifetime.map(span)),
            ("default_lifetime", default_lifetime.map(span)),
            ("require_expiry", require_expiry.then(|| Value::Raw("true".to_owned()))),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let fields = fields.collect::<Vec<_>>();
        let value = (!fields.is_empty()).then(|| Value::Flow(Box::new(Value::Mapping(fields))));
        edit.set_root(("policy".to_owned(), value));
    }
}

/// Returns the fields that were removed or have another value.
fn changed(old: &[(String, Value)], new: Vec<(String, Value)>) -> Vec<Field> {
    let is_removed = |(name, _): &&(String, Value)| new.iter().all(|(new, _)| new != name);
    let mut changed =
        old.iter().filter(is_removed).map(|(name, _)| (name.clone(), None)).collect::<Vec<_>>();
    let set = new.into_iter().filter(|field| !old.contains(field));
    changed.extend(set.map(|(name, value)| (name, Some(value))));
    changed
}

/// Returns the fields of a key in a file, in their order there.
fn fields_of(key: &KeyFacts) -> Vec<(String, Value)> {
    let KeyFacts {
        digest,
        client: _,
        label,
        scopes,
        networks,
        created,
        lifetime,
        revoked,
        replaced_by,
    } = key;
    let mut fields = vec![
        ("digest", Some(Value::Raw(digest.to_text()))),
        ("label", label.as_deref().map(Value::text)),
        ("scopes", (!scopes.is_empty()).then(|| Value::texts(scopes))),
        ("networks", (!networks.is_empty()).then(|| Value::texts(networks))),
        ("created", created.map(time)),
    ];
    fields.extend(lifetime.times().map(|(name, at)| (name, at.map(time))));
    fields.push(("replaced_by", replaced_by.map(|key_id| Value::Raw(key_id.to_string()))));
    fields.push(("revoked", revoked.map(time)));
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn time(time: Timestamp) -> Value {
    Value::Raw(time.to_string())
}

/// Returns the fields of a client in a file, without its keys.
fn fields_of_client(client: &ClientFacts) -> Vec<(String, Value)> {
    let ClientFacts { profile, enabled } = client;
    let disabled = (!enabled).then(|| ("enabled".to_owned(), Value::Raw("false".to_owned())));
    disabled.into_iter().chain(Value::client(profile)).collect()
}
