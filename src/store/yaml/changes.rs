use std::collections::BTreeMap;

use super::edit::Edit;
use super::facts::{Fields, client_fields, key_fields, named, policy_fields, present, with_digest};
use super::value::Value;
use crate::manage::{ClientFacts, Export, KeyFacts, Policy};

/// A client or key before and after a change.
type Change<'a, T> = [Option<&'a T>; 2];

/// Writes the difference between two states of the keys into the text of a file.
pub(super) fn write_changes(edit: &mut Edit<'_>, before: &Export, after: &Export) {
    for change in changed_clients(before, after) {
        match change {
            [None, Some(client)] => {
                edit.add_client(client.profile.name(), written(client_fields(client), true));
            }
            [Some(old), Some(new)] => {
                edit.set_client(
                    new.profile.name(),
                    changed(client_fields(old), client_fields(new)),
                );
            }
            // Its keys are removed, too.
            [Some(removed), None] => edit.remove_client(removed.profile.name()),
            [None, None] => {}
        }
    }
    let keys = changed_keys(before, after);
    let mut removed = BTreeMap::<_, Vec<_>>::new();
    for change in &keys {
        match change {
            [Some(old), Some(new)] => {
                edit.set_key(new.digest, changed(key_fields(old), key_fields(new)));
            }
            [Some(old), None] if after.client(&old.client).is_some() => {
                removed.entry(&*old.client).or_default().push(old.digest);
            }
            [Some(_), None] | [None, _] => {}
        }
    }
    for (client, digests) in removed {
        edit.remove_keys(client, &digests);
    }
    for change in keys {
        if let [None, Some(key)] = change {
            edit.add_key(&key.client, with_digest(key.digest, present(key_fields(key))));
        }
    }
}

/// Returns the clients that differ, sorted by name.
pub(super) fn changed_clients<'a>(
    before: &'a Export,
    after: &'a Export,
) -> Vec<Change<'a, ClientFacts>> {
    pairs(before.clients(), after.clients(), |client| client.profile.name())
}

/// Returns the keys that differ, sorted by id.
pub(super) fn changed_keys<'a>(before: &'a Export, after: &'a Export) -> Vec<Change<'a, KeyFacts>> {
    pairs(before.keys(), after.keys(), KeyFacts::key_id)
}

fn pairs<'a, T: PartialEq, K: Ord>(
    before: &'a [T],
    after: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> Vec<Change<'a, T>> {
    let mut pairs = BTreeMap::<K, Change<'a, T>>::new();
    for (side, entries) in [before, after].into_iter().enumerate() {
        for entry in entries {
            pairs.entry(key(entry)).or_default()[side] = Some(entry);
        }
    }
    pairs.into_values().filter(|[before, after]| before != after).collect()
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
