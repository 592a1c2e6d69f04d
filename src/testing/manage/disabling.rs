use super::fixture::{HOUR, Key, Managed};
use super::refusals::{exactly, is_unknown_client};
use crate::error::WrongReason;
use crate::key::KeyState;
use crate::manage::{ClientInfo, KeyError, ManageError};
use crate::testing::case::Case;
use crate::testing::sample::detailed_profile;

/// This includes keys that are issued or rotated while the client is disabled. Other clients are not affected.
pub(super) async fn keys_of_a_disabled_client_are_refused(case: &Case<impl Managed>) {
    // The name of the second client begins with that of the first.
    case.add("App 10").await;
    let [plain, old, revoked] = case.issued("App 1", ["plain", "old", "revoked"]).await;
    let [elsewhere] = case.issued("App 10", ["elsewhere"]).await;
    case.revoke(&revoked).await;

    let returned = case.disable("App 1").await;
    for key in [&plain, &old] {
        case.refuses("once its client is disabled", key, WrongReason::Disabled).await;
    }
    case.refuses("once its client is disabled", &revoked, WrongReason::Revoked).await;
    case.admits("beside a disabled client", &elsewhere, "App 10").await;
    let listed = case.clients().await;
    assert_eq!((returned.enabled, &listed[0]), (false, &returned), "{case}: the listed client");
    assert!(listed[1].enabled, "{case}: another client is disabled");

    let [issued, new] = ["issued", "new"].map(Key::of);
    let [leaked] = case.issued("App 1", ["leaked"]).await;
    let returned = case.issue("App 1", issued.to_new()).await;
    let rotated = case.rotate(&old, new.to_new(), HOUR).await;
    let mut states = vec![returned.state, rotated.old.state, rotated.new.state];
    for key in [&plain, &issued, &old, &new] {
        case.refuses("issued or rotated meanwhile", key, WrongReason::Disabled).await;
        states.push(case.listed(key).await.state);
    }
    assert_eq!(states, [KeyState::Disabled; 7], "{case}: the states of its keys");
    case.revoke(&leaked).await;
    case.refuses("revoked meanwhile", &leaked, WrongReason::Revoked).await;
}

/// Keys that have expired or were revoked while the client was disabled stay refused.
pub(super) async fn keys_of_an_enabled_client_are_admitted_again(case: &Case<impl Managed>) {
    let [plain, old, leaked] = case.issued("App 1", ["plain", "old", "leaked"]).await;
    let expiring = case.issued_until("App 1", "expiring", case.now() + HOUR).await;
    let before = case.contents().await;
    case.disable("App 1").await;
    case.enable("App 1").await;
    case.lists_the_same("disabling and enabling", &before).await;

    case.disable("App 1").await;
    let [issued] = case.issued("App 1", ["issued"]).await;
    let new = case.rotated(&old, "new", 2 * HOUR).await;
    case.revoke(&leaked).await;
    case.clock.advance(HOUR);
    case.enable("App 1").await;
    for key in [&plain, &old, &issued, &new] {
        case.admits("once its client is enabled", key, "App 1").await;
    }
    case.refuses("revoked meanwhile", &leaked, WrongReason::Revoked).await;
    case.refuses("expired meanwhile", &expiring, WrongReason::Expired).await;
    case.clock.advance(HOUR);
    case.refuses("at the end of its grace", &old, WrongReason::Expired).await;
    case.admits("beside its expired predecessor", &new, "App 1").await;
}

pub(super) async fn enabled_client_is_not_removed(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["key"]).await;
    let is_enabled = exactly(ManageError::StillEnabled { name: "App 1".to_owned() });
    let what = "removing an enabled client";
    case.refused(what, |store| store.remove_client("App 1"), is_enabled).await;
    case.admits("of an enabled client", &key, "App 1").await;
}

/// A client that is added later with the same name has none of the old keys. Other clients are not affected.
pub(super) async fn client_is_removed_with_its_keys(case: &Case<impl Managed>) {
    let profile = detailed_profile();
    let name = profile.name();
    case.add("Staying").await;
    let [elsewhere] = case.issued("Staying", ["elsewhere"]).await;
    let others = case.contents().await;
    case.add(profile.clone()).await;
    let [plain, revoked] = case.issued(name, ["plain", "revoked"]).await;
    let old = Key::of("old");
    case.issue(name, old.to_new().with_label("production")).await;
    case.revoke(&revoked).await;
    let new = case.rotated(&old, "new", HOUR).await;

    case.disable(name).await;
    let removed = case.remove(name).await;
    assert_eq!((&removed.profile, removed.enabled), (&profile, false), "{case}: when returned");
    let are_unknown = async || {
        for key in [&plain, &revoked, &old, &new] {
            case.refuses("of a removed client", key, WrongReason::Unknown).await;
        }
    };
    are_unknown().await;
    case.admits("beside a removed client", &elsewhere, "Staying").await;
    assert_eq!(case.contents().await, others, "{case}: the others");
    let what = "removing a client again";
    case.refused(what, |store| store.remove_client(name), is_unknown_client).await;

    let again = case.add(name).await;
    case.is_client("a client that was added again", &again, &ClientInfo::new(name)).await;
    assert_eq!(case.keys(Some(name)).await, [], "{case}: keys of a client that was added again");
    are_unknown().await;
}

/// The removal ends every key for good: a copy of the store may still hold it as a key that works.
pub(super) async fn key_of_a_removed_client_cannot_be_added_again(case: &Case<impl Managed>) {
    let [live, revoked, old] = case.issued("App 1", ["live", "revoked", "old"]).await;
    let [elsewhere] = case.issued("App 2", ["elsewhere"]).await;
    let expired = case.issued_until("App 1", "expired", case.now() + HOUR).await;
    case.revoke(&revoked).await;
    let new = case.rotated(&old, "new", HOUR).await;
    case.clock.advance(HOUR);
    case.disable("App 1").await;
    case.remove("App 1").await;
    case.add("App 1").await;
    for key in [&live, &revoked, &old, &expired, &new] {
        let is_removed = exactly(KeyError::Purged { key_id: key.id() }.into());
        for client in ["App 1", "App 2"] {
            let what = "issuing a key of a removed client";
            case.refused_issue(what, client, key.to_new(), &is_removed).await;
        }
        let what = "rotating to a key of a removed client";
        case.refused_rotation(what, &elsewhere, key.to_new(), is_removed).await;
        case.refuses("of a removed client", key, WrongReason::Unknown).await;
    }
    case.admits("after refused changes", &elsewhere, "App 2").await;
}
