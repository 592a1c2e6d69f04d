//! Stores that break a rule of rotating a key, or of disabling or removing its client.

use std::time::Duration;

use keygate::key::KeyState;
use keygate::manage::{Expiry, KeyError, ManageError};
use keygate::testing::Rule;

use crate::managing::model::{Change, Changed};
use crate::store_contract::mismanaged::{client, key, rule_broken_by_making};

#[tokio::test]
async fn successor_without_the_label_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let is_bare = matches!(&change, Change::Rotate(_, new, _) if new.label().is_none());
        let mut changed = model.make(change, now)?;
        if let (true, Changed::Rotated(keys)) = (is_bare, &mut changed) {
            keys.new.label = None;
            let successor = model.keys.last_mut().expect("the successor was filed last");
            successor.info.label = None;
        }
        Ok(changed)
    });
    assert_eq!(rule.await, Rule::Rotated);
}

#[tokio::test]
async fn successor_without_the_old_lifetime_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let change = match change {
            Change::Rotate(id, new, grace) if new.expiry() == Expiry::Inherit => {
                Change::Rotate(id, new.with_expiry(None), grace)
            }
            change => change,
        };
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Inherited);
}

#[tokio::test]
async fn successor_with_the_old_expiry_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let change = match change {
            Change::Rotate(id, new, grace) if new.expiry() == Expiry::Inherit => {
                let expires = key(model, id).and_then(|key| key.info.expires);
                Change::Rotate(id, new.with_expiry(expires), grace)
            }
            change => change,
        };
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Inherited);
}

#[tokio::test]
async fn successor_that_inherits_against_its_will_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let change = match change {
            Change::Rotate(id, new, grace) if new.expiry() == Expiry::Never => {
                Change::Rotate(id, new.with_expiry(Expiry::Inherit), grace)
            }
            change => change,
        };
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Inherited);
}

#[tokio::test]
async fn grace_beyond_the_key_s_own_expiry_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let grace =
            if let Change::Rotate(id, _, grace) = &change { Some((*id, *grace)) } else { None };
        let mut changed = model.make(change, now)?;
        if let (Some((id, grace)), Changed::Rotated(keys)) = (grace, &mut changed) {
            keys.old.expires = now.checked_add(grace);
            let old = model.keys.iter_mut().find(|key| key.info.key_id == id);
            old.expect("the key was rotated").info.expires = keys.old.expires;
        }
        Ok(changed)
    });
    assert_eq!(rule.await, Rule::Grace);
}

#[tokio::test]
async fn grace_of_zero_taken_for_none_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let change = match change {
            Change::Rotate(id, new, Duration::ZERO) => Change::Rotate(id, new, Duration::MAX),
            change => change,
        };
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Grace);
}

#[tokio::test]
async fn long_grace_that_overflows_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let change = match change {
            Change::Rotate(id, new, grace) => {
                let seconds = Duration::from_secs(grace.as_secs() & u64::from(u32::MAX));
                Change::Rotate(id, new, seconds)
            }
            change => change,
        };
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Grace);
}

#[tokio::test]
async fn second_rotation_of_a_key_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let before = model.clone();
        if let Change::Rotate(id, ..) = &change
            && let Some(key) = key(model, *id)
        {
            key.info.replaced_by = None;
        }
        let changed = model.make(change, now);
        if changed.is_err() {
            *model = before;
        }
        changed
    });
    assert_eq!(rule.await, Rule::Conflict);
}

#[tokio::test]
async fn rotation_that_fails_half_way_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let changed = model.make(change.clone(), now);
        if let (Change::Rotate(old, ..), Err(ManageError::Key(KeyError::Duplicate { .. }))) =
            (&change, &changed)
            && let Some(key) = key(model, *old)
        {
            key.info.expires = Some(now);
        }
        changed
    });
    assert_eq!(rule.await, Rule::Atomic);
}

#[tokio::test]
async fn key_issued_to_a_disabled_client_that_is_admitted_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        if let Change::Issue(name, _) = &change
            && let Some(client) = client(model, name)
        {
            client.enabled = true;
        }
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Disabled);
}

#[tokio::test]
async fn disabling_a_client_s_namesake_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        if let Change::Disable(name) = &change {
            let like = model.clients.iter_mut().filter(|it| it.profile.name().starts_with(name));
            like.for_each(|client| client.enabled = false);
        }
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Disabled);
}

#[tokio::test]
async fn enabling_that_enables_nothing_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let is_disabled =
            |name: &str| model.clients.iter().any(|it| it.profile.name() == name && !it.enabled);
        if let Change::Enable(name) = &change
            && is_disabled(name)
        {
            let known = model.keys.iter_mut().filter(|key| key.info.client == *name);
            let active = known.filter(|key| key.info.state == KeyState::Active);
            active.for_each(|key| key.info.state = KeyState::Disabled);
        }
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Enabled);
}

#[tokio::test]
async fn removing_an_enabled_client_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        if let Change::Remove(name) = &change
            && let Some(client) = client(model, name)
        {
            client.enabled = false;
        }
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::DisabledFirst);
}

#[tokio::test]
async fn removed_client_whose_keys_stay_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let is_removal = matches!(change, Change::Remove(_));
        let keys = model.keys.clone();
        let changed = model.make(change, now)?;
        if is_removal {
            model.keys = keys;
        }
        Ok(changed)
    });
    assert_eq!(rule.await, Rule::Removed);
}
