use std::time::UNIX_EPOCH;

use super::fixture::{DAY, Key, Managed, SECOND};
use super::refusals::{exactly, is_invalid_label};
use crate::client::label::MAX_NAME_CHARS;
use crate::error::WrongReason;
use crate::manage::{KeyError, KeyInfo, ManageError, NewKey};
use crate::testing::case::{Case, INSTANT, LONG};

pub(super) async fn new_store_is_empty(case: &Case<impl Managed>) {
    let (clients, keys) = case.contents().await;
    assert!(clients.is_empty() && keys.is_empty(), "{case}: it lists clients or keys");
}

pub(super) async fn issued_key_is_admitted_at_once(case: &Case<impl Managed>) {
    let keys = ["first", "second", "third"].map(Key::of);
    let owned = || keys.iter().zip(["App 1", "App 1", "App 2"]);
    for (key, client) in owned() {
        case.refuses("before it is issued", key, WrongReason::Unknown).await;
        case.issue(client, key.to_new()).await;
        case.admits("once issued", key, client).await;
    }
    for (key, client) in owned() {
        case.admits("when others were issued", key, client).await;
    }
    case.clock.advance(LONG);
    case.admits("after many years", &keys[0], "App 1").await;
}

pub(super) async fn issued_key_is_refused_from_its_expiry(case: &Case<impl Managed>) {
    let expires = case.now() + DAY;
    let key = case.issued_until("App 1", "expiring", expires).await;
    case.admits("once issued", &key, "App 1").await;
    case.clock.set(expires - INSTANT);
    case.admits("just before its expiry", &key, "App 1").await;
    case.clock.set(expires);
    case.refuses("at its expiry", &key, WrongReason::Expired).await;
}

pub(super) async fn issued_key_is_refused_before_its_beginning(case: &Case<impl Managed>) {
    let [key, both] = ["beginning later", "and expiring"].map(Key::of);
    let (begins, expires) = (case.now() + DAY, case.now() + 2 * DAY);
    case.issue("App 1", key.to_new().with_not_before(begins)).await;
    case.issue("App 1", both.to_new().with_not_before(begins).with_expiry(expires)).await;
    for key in [&key, &both] {
        case.refuses("once issued", key, WrongReason::NotYetValid).await;
    }
    case.clock.set(begins - INSTANT);
    case.refuses("just before its beginning", &key, WrongReason::NotYetValid).await;
    // A store may round the beginning up to the microsecond.
    case.clock.set(begins + INSTANT);
    case.admits("from its beginning", &key, "App 1").await;
    case.admits("from its beginning", &both, "App 1").await;
    case.clock.set(expires);
    case.admits("a day later", &key, "App 1").await;
    case.refuses("at its expiry", &both, WrongReason::Expired).await;
}

pub(super) async fn key_that_would_never_work_is_refused(case: &Case<impl Managed>) {
    let (key, expires) = (Key::of("new"), case.now() + DAY);
    for begins in [expires, expires + INSTANT, expires + LONG] {
        let what = format!("issuing a key that begins at {begins:?} and expires at {expires:?}");
        let new = key.to_new().with_expiry(expires).with_not_before(begins);
        case.refused_issue(&what, "App 1", new, exactly(ManageError::NeverValid)).await;
    }
    case.refuses("after it was not issued", &key, WrongReason::Unknown).await;
}

pub(super) async fn fields_of_a_key_are_kept(case: &Case<impl Managed>) {
    let longest = "é".repeat(MAX_NAME_CHARS);
    // These times have fractions of a microsecond, like the clock.
    let (day, year_2112) = (case.now() + DAY, case.now() + 84 * 365 * DAY);
    for (label, not_before, expires) in [
        (None, None, None),
        (Some("production"), None, Some(day)),
        (Some("O'Hara \"&\" \\ Søn: {#}; --"), Some(day), Some(year_2112)),
        (Some("production"), Some(case.now() - DAY), None),
        (Some("null"), Some(year_2112), None),
        (Some("8"), None, None),
        (Some(&*longest), None, None),
    ] {
        let key = Key::of(&format!("{label:?} {not_before:?} {expires:?}"));
        let new = key.to_new().with_expiry(expires).with_not_before(not_before);
        let returned = case.issue("App 1", label.into_iter().fold(new, NewKey::with_label)).await;
        case.is_now("creation", returned.created);
        case.expires_at("once issued", &returned, expires);
        case.begins_at("once issued", &returned, not_before);
        let mut expected = KeyInfo::new(key.id(), "App 1");
        expected.label = label.map(str::to_owned);
        (expected.created, expected.lifetime) = (returned.created, returned.lifetime);
        case.is_key("with its fields", &returned, &expected).await;
        case.clock.advance(SECOND);
    }
}

/// Digests and ids are unique, also among revoked keys.
pub(super) async fn key_and_its_id_are_unique(case: &Case<impl Managed>) {
    let [known, revoked] = case.issued("App 1", ["known", "revoked"]).await;
    let expired = case.issued_until("App 1", "expired", case.now() + DAY).await;
    case.revoke(&revoked).await;
    case.clock.advance(2 * DAY);

    let duplicate = |key: &Key| KeyError::Duplicate { key_id: key.id() };
    let conflict = |key: &Key| KeyError::IdConflict { key_id: key.id() };
    let was_revoked = |key: &Key| KeyError::Revoked { key_id: key.id() };
    let labelled = known.to_new().with_label("again");
    for (what, new, reason) in [
        ("issuing a key again", labelled, duplicate(&known)),
        ("issuing an expired key again", expired.to_new(), duplicate(&expired)),
        ("issuing a revoked key again", revoked.to_new(), was_revoked(&revoked)),
        ("issuing a key with the id of another", known.with_same_id(), conflict(&known)),
        ("issuing a key with the id of a revoked one", revoked.with_same_id(), conflict(&revoked)),
    ] {
        let is_reason = exactly(reason.into());
        for client in ["App 1", "App 2"] {
            case.refused_issue(what, client, new.clone(), &is_reason).await;
        }
    }
}

pub(super) async fn past_expiry_is_refused(case: &Case<impl Managed>) {
    let key = Key::of("new");
    for expires in [case.now(), case.now() - INSTANT, case.now() - LONG, UNIX_EPOCH] {
        let what = format!("issuing a key that expires at {expires:?}");
        let new = key.to_new().with_expiry(expires);
        case.refused_issue(&what, "App 1", new, exactly(ManageError::ExpiryPassed)).await;
    }
    case.refuses("after it was not issued", &key, WrongReason::Unknown).await;
    case.issue("App 1", key.to_new().with_expiry(case.now() + DAY)).await;
    case.admits("once issued", &key, "App 1").await;
}

pub(super) async fn invalid_label_is_refused(case: &Case<impl Managed>) {
    let too_long = "n".repeat(MAX_NAME_CHARS + 1);
    for label in ["", " ", " a", "a ", "a\nb", "a\0b", "a\u{200b}b", &*too_long] {
        let what = format!("issuing a key with the label {label:?}");
        let new = Key::of("new").to_new().with_label(label);
        case.refused_issue(&what, "App 1", new, is_invalid_label).await;
    }
}
