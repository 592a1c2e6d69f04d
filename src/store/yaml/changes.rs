use std::collections::{BTreeMap, HashMap, HashSet};

use super::edit::Edit;
use super::facts::{Fields, client_fields, key_fields, named, policy_fields, present, with_digest};
use super::value::Value;
use crate::manage::{Export, KeyFacts, Policy};

/// Writes the difference between two states of the keys into the text of a file.
pub(super) fn write_changes(edit: &mut Edit<'_>, before: &Export, after: &Export) {
    let known = before.clients().iter().map(|client| (client.profile.name(), client));
    let mut known = known.collect::<HashMap<_, _>>();
    for client in after.clients() {
        let name = client.profile.name();
        match known.remove(name) {
            None => edit.add_client(name, written(client_fields(client), true)),
            Some(old) if old == client => {}
            Some(old) => edit.set_client(name, changed(client_fields(old), client_fields(client))),
        }
    }
    // A client is removed with its keys.
    for removed in known.keys() {
        edit.remove_client(removed);
    }

    let left = after.keys().iter().map(|key| key.digest).collect::<HashSet<_>>();
    let gone = |key: &&KeyFacts| !left.contains(&key.digest) && !known.contains_key(&*key.client);
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
        let old = known[&key.key_id()];
        if old != key {
            edit.set_key(key.digest, changed(key_fields(old), key_fields(key)));
        }
    }
    for key in new {
        edit.add_key(&key.client, with_digest(key.digest, present(key_fields(key))));
    }
}

/// Writes the policy, if it changes.
pub(super) fn write_policy(edit: &mut Edit<'_>, before: Policy, after: Policy) {
    if before != after {
        let policy = Value::flow_mapping(written(policy_fields(after), false));
        edit.set_root(named([("policy", policy)]));
    }
}

/// Returns the fields that have another value.
fn changed(old: Fields, new: Fields) -> Fields {
    let changed = old.into_iter().zip(new).filter(|(old, new)| old != new);
    changed.map(|(_, new)| new).collect()
}

/// Returns the fields to write for a new entry: not the absent ones, and not a flag that has its default value.
fn written(fields: Fields, default: bool) -> Fields {
    let mut fields = present(fields);
    fields.retain(|(_, value)| *value != Value::Bool(default));
    fields
}
