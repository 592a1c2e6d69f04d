//! Stores that break one rule of managing, even for sequential changes.

use std::time::{Duration, UNIX_EPOCH};

use keygate::key::Timestamp;
use keygate::manage::{
    ClientFacts, ClientInfo, Expiry, KeyChange, KeyError, KeyFacts, KeyInfo, KeyQuery, ManageError,
    Page, Policy,
};
use keygate::testing::manage_contract;
use keygate::{ClientProfile, KeyId, NewKey, StoreError};

use crate::managing::model::{Change, Changed, Model};
use crate::store_contract::failure;
use crate::store_contract::naive::{Fault, Made, Naive, error, issue, make, mar, prepare, rotate};

fn key(model: &mut Model, id: KeyId) -> Option<&mut KeyFacts> {
    model.keys.iter_mut().find(|key| key.key_id() == id)
}

fn client<'a>(model: &'a mut Model, name: &str) -> Option<&'a mut ClientFacts> {
    model.clients.iter_mut().find(|client| client.profile.name() == name)
}

/// Stores with one fault, and the start of the message.
#[allow(clippy::too_many_lines)] // A table.
pub(crate) fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        ("new_store_is_empty", {
            let clients = |_: &Model| vec![ClientInfo::new(ClientProfile::new("admin"))];
            Fault { clients, ..Fault::default() }
        }),
        ("issued_key_is_admitted_at_once", {
            mar(|change, key| match change {
                Change::Issue(_, new) if new.digest() == key.digest => {
                    key.lifetime = key.lifetime.with_expiry(UNIX_EPOCH);
                }
                _ => key.lifetime = key.lifetime.with_expiry(None),
            })
        }),
        // At the instant of its expiry, the key is admitted.
        ("issued_key_is_refused_from_its_expiry", {
            issue(|new| match new.expiry() {
                Expiry::At(at) => new.with_expiry(at + Duration::from_micros(1)),
                _ => new,
            })
        }),
        ("issued_key_is_refused_before_its_beginning", {
            mar(|_, key| key.lifetime = key.lifetime.with_not_before(None))
        }),
        ("added_client_keeps_its_profile", {
            make(|model, change, now| match change {
                Change::Add(profile) => {
                    model.make(Change::Add(profile.with_metadata([("", ""); 0])), now)
                }
                change => model.make(change, now),
            })
        }),
        ("client_name_is_unique", {
            make(|model, change, now| match (model.make(change.clone(), now), change) {
                (Err(ManageError::ClientExists { .. }), Change::Add(profile)) => {
                    Ok(Changed::Client(ClientInfo::new(profile)))
                }
                (made, _) => made,
            })
        }),
        ("invalid_profile_is_refused", {
            make(|model, change, now| match change {
                Change::Add(profile) if profile.name().trim() != profile.name() => {
                    model.clients.push(ClientFacts::new(profile.clone()));
                    Ok(Changed::Client(ClientInfo::new(profile)))
                }
                change => model.make(change, now),
            })
        }),
        ("fields_of_a_key_are_kept: the listed key", mar(|_, key| key.label = None)),
        // Two clients have the key.
        ("key_and_its_id_are_unique", {
            prepare(|model, change| {
                if let Change::Issue(name, new) = change {
                    let is_other =
                        |key: &KeyFacts| key.digest != new.digest() || key.client == *name;
                    model.keys.retain(is_other);
                }
            })
        }),
        ("key_and_its_id_are_unique: issuing a key again shows a digest", {
            error(|change, error| match (error, change) {
                (ManageError::Key(KeyError::Duplicate { .. }), Change::Issue(_, new)) => {
                    let text = format!("duplicate row: {}", new.digest().to_text());
                    ManageError::Unavailable(StoreError::new(text))
                }
                (error, _) => error,
            })
        }),
        ("past_expiry_is_refused", {
            make(|model, change, now| model.make(change, now - Duration::from_micros(1)))
        }),
        // The key is issued without its beginning.
        ("key_that_would_never_work_is_refused", {
            make(|model, change, now| match (model.make(change.clone(), now), change) {
                (Err(ManageError::NeverValid), Change::Issue(name, new)) => {
                    model.make(Change::Issue(name, new.with_not_before(None)), now)
                }
                (made, _) => made,
            })
        }),
        ("scopes_of_a_key_narrow_those_of_its_client", mar(|_, key| key.scopes.clear())),
        // The key is issued without the scope, and so with those of its client.
        ("scope_that_the_client_lacks_is_refused", {
            make(|model, change, now| match (model.make(change.clone(), now), change) {
                (Err(ManageError::LacksScope { .. }), Change::Issue(name, new)) => {
                    model.make(Change::Issue(name, new.with_scopes([])), now)
                }
                (made, _) => made,
            })
        }),
        ("key_is_refused_outside_its_networks", mar(|_, key| key.networks.clear())),
        ("network_outside_those_of_the_client_is_refused", {
            make(|model, change, now| match (model.make(change.clone(), now), change) {
                (Err(ManageError::LacksNetwork { .. }), Change::Issue(name, new)) => {
                    model.make(Change::Issue(name, new.with_networks([])), now)
                }
                (made, _) => made,
            })
        }),
        // A bad label is left out.
        ("invalid_label_is_refused", {
            make(|model, change, now| match (model.make(change.clone(), now), change) {
                (Err(ManageError::Label(_)), Change::Issue(name, new)) => {
                    let bare = NewKey::new(new.digest()).with_expiry(new.expiry());
                    model.make(Change::Issue(name, bare), now)
                }
                (made, _) => made,
            })
        }),
        // Revocations are lost.
        ("revoked_key_is_refused_at_once", mar(|_, key| key.revoked = None)),
        // All keys are revoked.
        ("revoked_key_is_refused_at_once", {
            mar(|change, key| {
                if matches!(change, Change::Revoke(_)) {
                    key.revoked = Some(Timestamp::nearest(UNIX_EPOCH));
                }
            })
        }),
        ("revoked_key_never_works_again", {
            mar(|change, key| match change {
                Change::Enable(name) if key.client == *name => {
                    key.revoked = None;
                }
                _ => {}
            })
        }),
        ("repeated_change_changes_nothing: revoking again", {
            prepare(|model, change| {
                let Change::Revoke(id) = change else { return };
                if let Some(key) = key(model, *id) {
                    key.revoked = None;
                }
            })
        }),
        // Revoked keys are counted.
        ("clients_are_listed_in_order", {
            let clients = |model: &Model| {
                let mut clients = model.list_clients();
                for client in &mut clients {
                    let name = client.profile.name();
                    client.keys = model.keys.iter().filter(|key| key.client == name).count();
                }
                clients
            };
            Fault { clients, ..Fault::default() }
        }),
        ("keys_are_listed_in_order", {
            let keys = |model: &Model, client: Option<&str>| {
                let mut keys = model.list_keys(client)?;
                keys.sort_by_key(|key| key.key_id);
                Ok(keys)
            };
            Fault { keys, ..Fault::default() }
        }),
        ("unknown_name_suggests_the_nearest", {
            error(|_, error| match error {
                ManageError::UnknownClient { .. } => ManageError::UnknownClient { nearest: None },
                error => error,
            })
        }),
        ("unknown_id_suggests_the_nearest", {
            error(|_, error| match error {
                ManageError::UnknownKey { key_id, .. } => {
                    ManageError::UnknownKey { key_id, nearest: None }
                }
                error => error,
            })
        }),
        // The label is lost.
        ("successor_is_admitted_at_once", {
            make(|model, change, now| {
                let is_bare = matches!(&change, Change::Rotate(_, new, _) if new.label().is_none());
                let mut made = model.make(change, now)?;
                if let (true, Changed::Rotated(keys)) = (is_bare, &mut made) {
                    keys.new.label = None;
                    model.keys.last_mut().unwrap().label = None;
                }
                Ok(made)
            })
        }),
        ("successor_inherits_the_lifetime", {
            rotate(|model, id, new, grace| match new.expiry() {
                Expiry::Inherit => {
                    let expires = key(model, id).and_then(|key| key.lifetime.expires());
                    (new.with_expiry(expires), grace)
                }
                _ => (new, grace),
            })
        }),
        // The successor works at once.
        ("successor_inherits_a_future_beginning", {
            make(|model, change, now| {
                let is_bare =
                    matches!(&change, Change::Rotate(_, new, _) if new.not_before().is_none());
                let mut made = model.make(change, now)?;
                if let (true, Changed::Rotated(keys)) = (is_bare, &mut made) {
                    keys.new.lifetime = keys.new.lifetime.with_not_before(None);
                    model.keys.last_mut().unwrap().lifetime = keys.new.lifetime;
                }
                Ok(made)
            })
        }),
        // The successor has all scopes of its client.
        ("successor_inherits_scopes_and_networks", {
            make(|model, change, now| {
                let is_bare =
                    matches!(&change, Change::Rotate(_, new, _) if new.scopes().is_empty());
                let mut made = model.make(change, now)?;
                if let (true, Changed::Rotated(keys)) = (is_bare, &mut made) {
                    keys.new.scopes.clear();
                    model.keys.last_mut().unwrap().scopes.clear();
                }
                Ok(made)
            })
        }),
        ("successor_inherits_scopes_and_networks", {
            make(|model, change, now| {
                let is_bare =
                    matches!(&change, Change::Rotate(_, new, _) if new.networks().is_empty());
                let mut made = model.make(change, now)?;
                if let (true, Changed::Rotated(keys)) = (is_bare, &mut made) {
                    keys.new.networks.clear();
                    model.keys.last_mut().unwrap().networks.clear();
                }
                Ok(made)
            })
        }),
        ("refused_rotation_changes_nothing", {
            make(|model, change, now| {
                let made = model.make(change.clone(), now);
                let is_duplicate =
                    matches!(made, Err(ManageError::Key(KeyError::Duplicate { .. })));
                if let Change::Rotate(old, ..) = &change
                    && is_duplicate
                    && let Some(key) = key(model, *old)
                {
                    key.lifetime = key.lifetime.with_expiry(now);
                }
                made
            })
        }),
        // A key is rotated again.
        ("key_that_cannot_be_rotated_is_a_conflict", {
            prepare(|model, change| {
                let Change::Rotate(id, ..) = change else { return };
                if let Some(key) = key(model, *id) {
                    key.replaced_by = None;
                }
            })
        }),
        // The grace is longer than the key would have worked.
        ("rotated_key_works_until_its_grace_ends", {
            make(|model, change, now| {
                let made = model.make(change.clone(), now)?;
                let (Change::Rotate(id, _, grace), Changed::Rotated(mut keys)) =
                    (change, made.clone())
                else {
                    return Ok(made);
                };
                keys.old.lifetime = keys.old.lifetime.with_expiry(now.checked_add(grace));
                key(model, id).unwrap().lifetime = keys.old.lifetime;
                Ok(Changed::Rotated(keys))
            })
        }),
        ("rotated_key_works_until_its_grace_ends", {
            rotate(|_, _, new, grace| (new, if grace.is_zero() { Duration::MAX } else { grace }))
        }),
        ("long_grace_does_not_overflow", {
            rotate(|_, _, new, grace| {
                let is_max = grace == Duration::MAX;
                let seconds = grace.as_secs() & u64::from(u32::MAX);
                (new, if is_max { grace } else { Duration::from_secs(seconds) })
            })
        }),
        ("pages_cover_the_filtered_list", {
            let page = |page: Made<Page<KeyInfo>>| {
                page.map(|mut page| {
                    page.found.sort_by_key(|key| key.label.clone());
                    page
                })
            };
            Fault { page, ..Fault::default() }
        }),
        ("every_key_is_in_one_page", {
            let keys = |model: &Model, client: Option<&str>| {
                let mut keys = model.list_keys(client)?;
                if keys.len() == 8 {
                    keys.remove(1);
                }
                Ok(keys)
            };
            Fault { keys, ..Fault::default() }
        }),
        ("invalid_query_is_refused", {
            let page = |page: Made<Page<KeyInfo>>| {
                page.or_else(|_| KeyQuery::new().page_of(vec![], &[], UNIX_EPOCH))
            };
            Fault { page, ..Fault::default() }
        }),
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
        ("ended_key_is_not_revived", {
            prepare(|model, change| {
                let Change::UpdateKey(id, _) = change else { return };
                if let Some(key) = key(model, *id) {
                    key.revoked = None;
                }
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
            let policy = |model: &mut Model, policy: Policy| {
                policy.validate()?;
                if policy != Policy::new() {
                    model.policy = policy;
                }
                Ok(policy)
            };
            Fault { policy, ..Fault::default() }
        }),
        // Only new keys follow the policy.
        ("policy_limits_the_lifetime_of_keys: changing a key", {
            make(|model, change, now| {
                let policy = model.policy;
                if matches!(change, Change::UpdateKey(..)) {
                    model.policy = Policy::new();
                }
                let made = model.make(change, now);
                model.policy = policy;
                made
            })
        }),
    ]
}

#[tokio::test]
async fn faulty_store_fails_with_the_name_of_the_rule() {
    for (rule, fault) in faults() {
        let contract = manage_contract(async |clock| Naive::new(fault.clone(), clock));
        let message = failure(contract).await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
    }
}
