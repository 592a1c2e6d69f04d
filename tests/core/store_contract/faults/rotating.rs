//! Stores that break a rule when they rotate keys.

use std::time::Duration;

use keygate::manage::{Expiry, KeyError, ManageError};

use super::key;
use crate::managing::model::{Change, Changed};
use crate::store_contract::naive::{Fault, make, prepare, rotate};

#[allow(clippy::too_many_lines)] // A table.
pub(super) fn faults() -> Vec<(&'static str, Fault)> {
    vec![
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
    ]
}
