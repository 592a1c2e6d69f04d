//! Stores that break one rule of managing, one change after the other.

use std::time::{Duration, SystemTime};

use keygate::key::KeyState;
use keygate::manage::{ClientInfo, Expiry, KeyError, KeyInfo, ManageError};
use keygate::testing::{Rule, manage_contract};
use keygate::{ClientProfile, KeyId, NewKey, StoreError};

use crate::managing::model::{Change, Changed, Key, Model};
use crate::store_contract::naive::{Fault, Naive};

type Answer<T> = Result<T, ManageError>;

/// The rule that a store breaks with this fault.
pub(crate) async fn rule_broken_by<F: Fault + Clone>(fault: F) -> Rule {
    let made = manage_contract(async |clock| Naive::new(fault.clone(), clock));
    let violation = made.await.expect_err("the suite bites");
    let shown = format!("{violation} {violation:?}");
    assert!(shown.contains(&format!("{:?}", violation.rule())), "{shown}");
    violation.rule()
}

/// The rule that a store breaks that makes its changes like this.
pub(crate) async fn rule_broken_by_making(
    make: impl Fn(&mut Model, Change, SystemTime) -> Answer<Changed> + Clone + Send + Sync + 'static,
) -> Rule {
    rule_broken_by(make).await
}

/// The rule broken by a store that changes more of a key than it should.
pub(crate) async fn rule_broken_by_marring(
    mar: impl Fn(&Change, &mut Key) + Clone + Send + Sync + 'static,
) -> Rule {
    rule_broken_by_making(move |model, change, now| {
        let changed = model.make(change.clone(), now)?;
        model.keys.iter_mut().for_each(|key| mar(&change, key));
        Ok(changed)
    })
    .await
}

pub(crate) fn key(model: &mut Model, id: KeyId) -> Option<&mut Key> {
    model.keys.iter_mut().find(|key| key.info.key_id == id)
}

pub(crate) fn client<'a>(model: &'a mut Model, name: &str) -> Option<&'a mut ClientInfo> {
    model.clients.iter_mut().find(|client| client.profile.name() == name)
}

#[tokio::test]
async fn profile_that_loses_its_metadata_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let change = match change {
            Change::Add(profile) => Change::Add(profile.with_metadata([("", ""); 0])),
            change => change,
        };
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::ClientAdded);
}

#[tokio::test]
async fn adding_a_client_twice_without_an_error_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let again = matches!(&change, Change::Add(_)).then(|| change.clone());
        match (model.make(change, now), again) {
            (Err(ManageError::ClientExists { .. }), Some(Change::Add(profile))) => {
                Ok(Changed::Client(ClientInfo::new(profile)))
            }
            (changed, _) => changed,
        }
    });
    assert_eq!(rule.await, Rule::UniqueClient);
}

#[tokio::test]
async fn unfair_profile_that_is_taken_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| match change {
        Change::Add(profile) if profile.name().trim() != profile.name() => {
            model.clients.push(ClientInfo::new(profile.clone()));
            Ok(Changed::Client(ClientInfo::new(profile)))
        }
        change => model.make(change, now),
    });
    assert_eq!(rule.await, Rule::ValidProfile);
}

#[tokio::test]
async fn key_that_lives_at_the_instant_of_its_expiry_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let change = match change {
            Change::Issue(name, new) => {
                let late = match new.expiry() {
                    Expiry::At(expires) => Expiry::At(expires + Duration::from_micros(1)),
                    expiry => expiry,
                };
                Change::Issue(name, new.with_expiry(late))
            }
            change => change,
        };
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::ExpiresOnTime);
}

#[tokio::test]
async fn expiry_cut_to_the_second_is_caught() {
    let rule = rule_broken_by_marring(|change, key| {
        let expires = key.info.expires.filter(|_| matches!(change, Change::Issue(..)));
        if let Some(since) = expires.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()) {
            key.info.expires = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()));
        }
    });
    assert_eq!(rule.await, Rule::ExpiresOnTime);
}

#[tokio::test]
async fn key_that_is_not_admitted_at_once_is_caught() {
    let rule = rule_broken_by_marring(|change, key| match change {
        Change::Issue(_, new) if new.digest() == key.digest => key.info.state = KeyState::Disabled,
        _ => key.info.state = KeyState::Active,
    });
    assert_eq!(rule.await, Rule::Issued);
}

#[tokio::test]
async fn bad_label_that_is_left_out_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let bare = match &change {
            Change::Issue(name, new) => {
                let bare = NewKey::new(new.digest()).with_expiry(new.expiry());
                Some(Change::Issue(name.clone(), bare))
            }
            _ => None,
        };
        match (model.make(change, now), bare) {
            (Err(ManageError::Label(_)), Some(bare)) => model.make(bare, now),
            (changed, _) => changed,
        }
    });
    assert_eq!(rule.await, Rule::ValidLabel);
}

#[tokio::test]
async fn lost_label_is_caught() {
    let rule = rule_broken_by_marring(|_, key| key.info.label = None);
    assert_eq!(rule.await, Rule::KeyFields);
}

#[tokio::test]
async fn key_that_two_clients_have_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let before = model.clone();
        if let Change::Issue(name, new) = &change {
            let is_other = |key: &Key| key.digest != new.digest() || key.info.client == *name;
            model.keys.retain(is_other);
        }
        let changed = model.make(change, now);
        if changed.is_err() {
            *model = before;
        }
        changed
    });
    assert_eq!(rule.await, Rule::UniqueKey);
}

#[tokio::test]
async fn key_that_expires_now_and_is_issued_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        model.make(change, now - Duration::from_nanos(1))
    });
    assert_eq!(rule.await, Rule::ValidExpiry);
}

#[tokio::test]
async fn revoked_keys_that_are_counted_are_caught() {
    #[derive(Clone)]
    struct CountsAll;
    impl Fault for CountsAll {
        fn clients(&self, model: &Model) -> Vec<ClientInfo> {
            let mut clients = model.list_clients();
            for client in &mut clients {
                let name = client.profile.name();
                client.keys = model.keys.iter().filter(|key| key.info.client == name).count();
            }
            clients
        }
    }
    assert_eq!(rule_broken_by(CountsAll).await, Rule::ClientsListed);
}

#[tokio::test]
async fn keys_in_the_order_of_their_ids_are_caught() {
    #[derive(Clone)]
    struct ById;
    impl Fault for ById {
        fn keys(&self, model: &Model, client: Option<&str>) -> Answer<Vec<KeyInfo>> {
            let mut keys = model.list_keys(client)?;
            keys.sort_by_key(|key| key.key_id);
            Ok(keys)
        }
    }
    assert_eq!(rule_broken_by(ById).await, Rule::KeysListed);
}

#[tokio::test]
async fn unknown_name_without_the_nearest_one_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        model.make(change, now).map_err(|error| match error {
            ManageError::UnknownClient { .. } => ManageError::UnknownClient { nearest: None },
            error => error,
        })
    });
    assert_eq!(rule.await, Rule::Nearby);
}

#[tokio::test]
async fn revoking_that_only_notes_the_time_is_caught() {
    let rule = rule_broken_by_marring(|_, key| key.info.state = KeyState::Active);
    assert_eq!(rule.await, Rule::Revoked);
}

#[tokio::test]
async fn revoking_all_keys_of_a_client_is_caught() {
    let rule = rule_broken_by_marring(|change, key| {
        if matches!(change, Change::Revoke(_)) {
            key.info.state = KeyState::Revoked;
        }
    });
    assert_eq!(rule.await, Rule::Revoked);
}

#[tokio::test]
async fn second_revocation_that_moves_the_time_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        if let Change::Revoke(id) = &change
            && let Some(key) = key(model, *id)
        {
            key.info.revoked = None;
        }
        model.make(change, now)
    });
    assert_eq!(rule.await, Rule::Repeated);
}

#[tokio::test]
async fn enabling_that_brings_revoked_keys_back_is_caught() {
    let rule = rule_broken_by_marring(|change, key| match change {
        Change::Enable(name) if key.info.client == *name => key.info.state = KeyState::Active,
        _ => {}
    });
    assert_eq!(rule.await, Rule::RevokedPermanently);
}

#[tokio::test]
async fn digest_in_an_error_is_caught() {
    let rule = rule_broken_by_making(|model, change, now| {
        let digest = if let Change::Issue(_, new) = &change { Some(new.digest()) } else { None };
        model.make(change, now).map_err(|error| match (error, digest) {
            (ManageError::Key(KeyError::Duplicate { .. }), Some(digest)) => {
                let text = format!("duplicate row: {}", digest.to_text());
                ManageError::Unavailable(StoreError::new(text))
            }
            (error, _) => error,
        })
    });
    assert_eq!(rule.await, Rule::NoDigest);
}

#[tokio::test]
async fn fresh_store_with_clients_is_caught() {
    #[derive(Clone)]
    struct NeverEmpty;
    impl Fault for NeverEmpty {
        fn clients(&self, _: &Model) -> Vec<ClientInfo> {
            vec![ClientInfo::new(ClientProfile::new("admin"))]
        }
    }
    assert_eq!(rule_broken_by(NeverEmpty).await, Rule::Empty);
}
