//! Stores that break a rule when they add clients, or issue or revoke keys.

use std::time::{Duration, UNIX_EPOCH};

use keygate::key::Timestamp;
use keygate::manage::{ClientFacts, ClientInfo, Expiry, KeyError, KeyFacts, ManageError};
use keygate::{ClientProfile, NewKey, StoreError};

use super::key;
use crate::managing::model::{Change, Changed, Model};
use crate::store_contract::naive::{Fault, error, issue, make, mar, prepare};

#[allow(clippy::too_many_lines)] // A table.
pub(super) fn faults() -> Vec<(&'static str, Fault)> {
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
    ]
}
