//! Stores that break a rule when they change clients or keys.

use std::time::UNIX_EPOCH;

use keygate::manage::{ClientFacts, KeyChange, ManageError, Policy};

use super::{client, key};
use crate::managing::model::{Change, Changed, Model};
use crate::store_contract::naive::{Fault, Naive, make, mar, prepare};

#[allow(clippy::too_many_lines)] // A table.
pub(super) fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        // Issuing a key enables the client.
        ("keys_of_a_disabled_client_are_refused", {
            prepare(|model, change| {
                let Change::Issue(name, _) = change else { return };
                if let Some(client) = client(model, name) {
                    client.enabled = true;
                }
            })
        }),
        // Clients whose names start alike are disabled too.
        ("keys_of_a_disabled_client_are_refused", {
            prepare(|model, change| {
                if let Change::Disable(name) = change {
                    let alike = |client: &&mut ClientFacts| client.profile.name().starts_with(name);
                    let clients = model.clients.iter_mut().filter(alike);
                    clients.for_each(|client| client.enabled = false);
                }
            })
        }),
        // Enabling a client ends the keys that have an expiry.
        ("keys_of_an_enabled_client_are_admitted_again", {
            prepare(|model, change| {
                let Change::Enable(name) = change else { return };
                if client(model, name).is_some_and(|client| !client.enabled) {
                    let keys = model.keys.iter_mut().filter(|key| key.client == *name);
                    let expiring = keys.filter(|key| key.lifetime.expires().is_some());
                    expiring.for_each(|key| {
                        key.lifetime = key.lifetime.with_expiry(UNIX_EPOCH);
                    });
                }
            })
        }),
        ("enabled_client_is_not_removed", {
            prepare(|model, change| {
                let Change::Remove(name) = change else { return };
                if let Some(client) = client(model, name) {
                    client.enabled = false;
                }
            })
        }),
        ("client_is_removed_with_its_keys", {
            make(|model, change, now| {
                let (is_removal, keys) = (matches!(change, Change::Remove(_)), model.keys.clone());
                let made = model.make(change, now)?;
                if is_removal {
                    model.keys = keys;
                }
                Ok(made)
            })
        }),
        // Only revoked keys are remembered.
        ("key_of_a_removed_client_cannot_be_added_again", {
            make(|model, change, now| {
                let keys = model.keys.iter().filter(|key| key.revoked.is_none());
                let live = keys.map(|key| key.digest).collect::<Vec<_>>();
                let made = model.make(change, now)?;
                model.purged.retain(|digest| !live.contains(digest));
                Ok(made)
            })
        }),
        // Everything that a change does not name is lost.
        ("client_is_changed_at_once: the scopes", {
            prepare(|model, change| {
                let Change::UpdateClient(name, _) = change else { return };
                if let Some(client) = client(model, name) {
                    client.profile = client.profile.clone().without_quota();
                }
            })
        }),
        ("changed_client_stays_disabled", {
            make(|model, change, now| {
                let made = model.make(change.clone(), now);
                if let Change::UpdateClient(name, _) = &change
                    && let Some(client) = client(model, name)
                {
                    client.enabled = true;
                }
                made
            })
        }),
        // The expiry only becomes later.
        ("key_is_changed_at_once", {
            make(|model, change, now| {
                let before = model.clone();
                let made = model.make(change.clone(), now);
                if let Change::UpdateKey(id, _) = &change {
                    let old = before.keys.iter().find(|key| key.key_id() == *id);
                    let old = old.and_then(|key| key.lifetime.expires());
                    if let Some(key) = key(model, *id)
                        && key.lifetime.expires() < old
                    {
                        key.lifetime = key.lifetime.with_expiry(old);
                    }
                }
                made
            })
        }),
        // A rotated key works at once.
        ("changed_key_does_not_work_early: once replaced", {
            make(|model, change, now| {
                let mut made = model.make(change, now)?;
                if let Changed::Rotated(keys) = &mut made {
                    keys.old.lifetime = keys.old.lifetime.with_not_before(None);
                    key(model, keys.old.key_id).unwrap().lifetime = keys.old.lifetime;
                }
                Ok(made)
            })
        }),
        ("ended_key_is_not_revived", {
            prepare(|model, change| {
                let Change::UpdateKey(id, _) = change else { return };
                if let Some(key) = key(model, *id) {
                    key.revoked = None;
                }
            })
        }),
        // The change is left out.
        ("expiry_before_the_beginning_is_refused", {
            make(|model, change, now| match (model.make(change.clone(), now), change) {
                (Err(ManageError::NeverValid), Change::UpdateKey(id, _)) => {
                    model.make(Change::UpdateKey(id, KeyChange::new()), now)
                }
                (made, _) => made,
            })
        }),
        // An empty change removes the label.
        ("empty_change_changes_nothing", {
            prepare(|model, change| {
                let Change::UpdateKey(id, change) = change else { return };
                if change.is_empty()
                    && let Some(key) = key(model, *id)
                {
                    key.label = None;
                }
            })
        }),
        // The first part of a refused change is made.
        ("refused_change_changes_nothing", {
            make(|model, change, now| {
                let made = model.make(change.clone(), now);
                if let (Change::UpdateClient(name, _), Err(_)) = (&change, &made)
                    && let Some(client) = client(model, name)
                {
                    let scope = "a".parse().expect("a scope");
                    client.profile = client.profile.clone().with_scopes([scope]);
                }
                made
            })
        }),
        // The networks stay.
        ("restrictions_of_a_key_are_changed_at_once", {
            make(|model, change, now| {
                let before = model.clone();
                let mut made = model.make(change.clone(), now)?;
                if let (Change::UpdateKey(id, _), Changed::Key(made)) = (&change, &mut made) {
                    let old = before.keys.iter().find(|key| key.key_id() == *id);
                    let key = key(model, *id).unwrap();
                    key.networks.clone_from(&old.unwrap().networks);
                    made.networks.clone_from(&key.networks);
                }
                Ok(made)
            })
        }),
        // Scopes and networks that the client lacks are left out.
        ("change_beyond_the_client_is_refused", {
            make(|model, change, now| match (model.make(change.clone(), now), &change) {
                (Err(ManageError::LacksNetwork { .. }), Change::UpdateKey(id, _)) => {
                    model.make(Change::UpdateKey(*id, KeyChange::new()), now)
                }
                (made, _) => made,
            })
        }),
        // A key without any of its scopes has all scopes of its client.
        ("key_loses_what_its_client_loses", {
            make(|model, change, now| {
                let made = model.make(change.clone(), now)?;
                if let (Change::UpdateClient(name, _), Changed::Client(client)) = (&change, &made) {
                    let scopes = client.profile.scopes();
                    for key in model.keys.iter_mut().filter(|key| key.client == *name) {
                        key.scopes.retain(|scope| scopes.iter().any(|it| it.covers(scope)));
                    }
                }
                Ok(made)
            })
        }),
        // A change of a client changes its keys, too.
        ("version_differs_after_a_change", {
            mar(|change, key| match change {
                Change::UpdateClient(name, _) if key.client == *name && name == "App 1" => {
                    key.label = Some("changed".to_owned());
                }
                _ => {}
            })
        }),
        ("outdated_version_is_a_conflict: disabling a client", {
            let check = |naive: &Naive, model: &Model, change: &Change| match change {
                Change::Disable(_) => Ok(()),
                change => naive.check(model, change),
            };
            Fault { check, ..Fault::default() }
        }),
        ("outdated_version_is_a_conflict: rotating a key", {
            let check = |naive: &Naive, model: &Model, change: &Change| match change {
                Change::Rotate(..) => Ok(()),
                change => naive.check(model, change),
            };
            Fault { check, ..Fault::default() }
        }),
        // Handles of actors forget the version.
        ("actor_has_a_valid_name", {
            let check = |naive: &Naive, model: &Model, change: &Change| {
                let has_actor = naive.context.actor().is_some();
                if has_actor { Ok(()) } else { naive.check(model, change) }
            };
            Fault { check, ..Fault::default() }
        }),
        ("policy_is_kept: the policy after it was removed", {
            make(|model, change, now| {
                let policy = model.policy;
                let made = model.make(change, now)?;
                if model.policy == Policy::new() {
                    model.policy = policy;
                }
                Ok(made)
            })
        }),
        // Everything that a change does not name is removed.
        ("policy_keeps_what_a_change_does_not_name", {
            prepare(|model, change| {
                if let Change::Policy(_) = change {
                    model.policy = Policy::new();
                }
            })
        }),
        // Only new keys follow the policy.
        ("policy_limits_the_lifetime_of_keys: changing a key", {
            make(|model, change, now| {
                let policy = model.policy;
                if !matches!(change, Change::UpdateKey(..)) {
                    return model.make(change, now);
                }
                model.policy = Policy::new();
                let made = model.make(change, now);
                model.policy = policy;
                made
            })
        }),
    ]
}
