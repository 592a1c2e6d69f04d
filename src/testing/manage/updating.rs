use super::fixture::{DAY, HOUR, Key, Managed, SECOND};
use crate::client::{ClientProfile, MAX_METADATA_BYTES, Quota};
use crate::error::WrongReason;
use crate::manage::{
    ClientChange, ClientInfo, KeyChange, KeyError, KeyInfo, ManageError, RotationConflict,
};
use crate::testing::case::{Case, is_rounded_up};
use crate::testing::sample::{detailed_profile, network, scope};

/// Handlers see the change at the next request, and everything that it does not name stays.
pub(super) async fn client_is_changed_at_once(case: &Case<impl Managed>) {
    let (before, name) = (detailed_profile(), "Detailed");
    case.add(before.clone()).await;
    let [key, revoked] = case.issued(name, ["a key", "a revoked key"]).await;
    let [other] = case.issued("App 1", ["of another client"]).await;
    case.revoke(&revoked).await;

    let mut metadata = before.metadata().clone();
    metadata.insert("team".to_owned(), "shipping: \"4\"".to_owned());
    metadata.insert("new name".to_owned(), "#1".to_owned());
    metadata.remove("note");
    let set_metadata = ClientChange::new()
        .set_metadata("team", "shipping: \"4\"")
        .set_metadata("new name", "#1")
        .remove_metadata("note")
        .remove_metadata("missing");
    let mut scopes = before.scopes().to_vec();
    let removed = scopes.remove(0);
    scopes.push(scope("zeta:*"));
    let change_scopes = ClientChange::new()
        .add_scope(scope("zeta:*"))
        .add_scope(scopes[0].clone())
        .remove_scope(removed)
        .remove_scope(scope("not:there"));
    let all_metadata = [("only", "one")];
    let bare = before.clone().without_quota().with_scopes([]).with_metadata([("", ""); 0]);
    let mut profile = before;
    for (what, change, expected) in [
        ("the scopes", change_scopes, profile.clone().with_scopes(scopes.clone())),
        ("a quota", ClientChange::new().with_quota(quota("7/second")), {
            profile.clone().with_scopes(scopes.clone()).with_quota(quota("7/second"))
        }),
        ("some metadata", set_metadata, {
            let changed = profile.clone().with_scopes(scopes.clone());
            changed.with_quota(quota("7/second")).with_metadata(metadata.clone())
        }),
        ("all scopes", ClientChange::new().with_scopes([scope("a"), scope("b:*")]), {
            let changed = profile.clone().with_scopes([scope("a"), scope("b:*")]);
            changed.with_quota(quota("7/second")).with_metadata(metadata)
        }),
        ("all metadata", ClientChange::new().with_metadata(all_metadata), {
            let changed = profile.clone().with_scopes([scope("a"), scope("b:*")]);
            changed.with_quota(quota("7/second")).with_metadata(all_metadata)
        }),
        ("no quota", ClientChange::new().without_quota(), {
            let changed = profile.clone().without_quota().with_metadata(all_metadata);
            changed.with_scopes([scope("a"), scope("b:*")])
        }),
        (
            "no scopes and no metadata",
            { ClientChange::new().with_scopes([]).with_metadata([("", ""); 0]) },
            bare.clone(),
        ),
        ("another title", ClientChange::new().with_title("It's # 2: \"ü\""), {
            bare.clone().with_title("It's # 2: \"ü\"")
        }),
        ("no title", ClientChange::new().without_title(), bare.clone().without_title()),
        (
            "unlimited requests",
            ClientChange::new().with_title("Shop").with_quota(quota("unlimited")),
            bare.with_title("Shop").with_quota(quota("unlimited")),
        ),
    ] {
        let returned = case.update_client(name, change).await;
        let keys = 1;
        let expected = ClientInfo { keys, ..ClientInfo::new(expected) };
        assert!(returned == expected, "{case}: {what} is returned with other fields");
        assert!(case.clients().await.contains(&expected), "{case}: {what} is not listed so");
        let seen = case.present(&key).await;
        let is_seen = seen.is_ok_and(|client| *client.profile() == expected.profile);
        assert!(is_seen, "{case}: a handler does not see {what}");
        profile = expected.profile;
    }
    case.refuses("of a changed client", &revoked, WrongReason::Revoked).await;
    let seen = case.present(&other).await;
    let is_same = seen.is_ok_and(|client| *client.profile() == ClientProfile::new("App 1"));
    assert!(is_same, "{case}: another client was changed");
    // A key that is issued later belongs to the changed client, too.
    let [later] = case.issued(name, ["a later key"]).await;
    let seen = case.present(&later).await;
    assert!(seen.is_ok_and(|client| *client.profile() == profile), "{case}: a later key differs");
}

pub(super) async fn changed_client_stays_disabled(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    case.disable("App 1").await;
    let changed = case.update_client("App 1", ClientChange::new().add_scope(scope("a"))).await;
    assert!(!changed.enabled, "{case}: the change enables the client");
    case.refuses("of a disabled client", &key, WrongReason::Disabled).await;
    case.enable("App 1").await;
    let seen = case.present(&key).await;
    let is_seen = seen.is_ok_and(|client| client.profile().scopes() == [scope("a")]);
    assert!(is_seen, "{case}: the change of a disabled client is lost");
}

pub(super) async fn key_is_changed_at_once(case: &Case<impl Managed>) {
    let key = Key::of("changed");
    let end = case.now() + 2 * HOUR;
    let new = key.to_new().with_label("production").with_expiry(end);
    let issued = case.issue("App 1", new).await;
    let [other] = case.issued("App 1", ["other"]).await;
    let before = case.listed(&other).await;

    let expect = async |what: &str, change: KeyChange, expected: KeyInfo| {
        let returned = case.update_key(&key, change).await;
        assert_eq!(returned, expected, "{case}: {what} is returned");
        assert_eq!(case.listed(&key).await, expected, "{case}: {what} is listed");
    };
    let labelled = KeyInfo { label: Some("mobile \"2\"".to_owned()), ..issued.clone() };
    expect("another label", KeyChange::new().with_label("mobile \"2\""), labelled.clone()).await;
    let bare = KeyInfo { label: None, ..issued };
    expect("no label", KeyChange::new().without_label(), bare.clone()).await;
    // The expiry may move earlier or later, and the label stays.
    expect("the label again", KeyChange::new().with_label("mobile \"2\""), labelled.clone()).await;
    let until =
        |time| KeyInfo { lifetime: labelled.lifetime.with_expiry(time), ..labelled.clone() };
    let (soon, late) = (case.now() + HOUR, case.now() + 20 * DAY);
    for (what, at) in [("a later expiry", late), ("an earlier expiry", soon)] {
        expect(what, KeyChange::new().with_expiry(at), until(Some(at))).await;
    }
    expect("no expiry", KeyChange::new().with_expiry(None), until(None)).await;
    case.clock.advance(3 * HOUR);
    case.admits("without an expiry", &key, "App 1").await;
    let end = case.now() + HOUR;
    expect("a new expiry", KeyChange::new().with_expiry(end), until(Some(end))).await;
    case.clock.advance(HOUR);
    case.refuses("from its new expiry", &key, WrongReason::Expired).await;
    case.admits("when another was changed", &other, "App 1").await;
    assert_eq!(case.listed(&other).await, before, "{case}: another key was changed");
}

/// Covers changes of the key, of its client, and its rotation.
pub(super) async fn changed_key_does_not_work_early(case: &Case<impl Managed>) {
    let [key, successor] = ["beginning later", "its successor"].map(Key::of);
    let begins = case.now() + 2 * DAY;
    let end = begins + DAY;
    case.issue("App 1", key.to_new().with_not_before(begins)).await;
    let check = async |what: &str, returned: &KeyInfo| {
        for seen in [returned.not_before(), case.listed(&key).await.not_before()] {
            assert!(is_rounded_up(Some(begins), seen), "{case}: {what}: it begins at {seen:?}");
        }
        case.refuses(what, &key, WrongReason::NotYetValid).await;
    };
    for (what, change) in [
        ("with another label", KeyChange::new().with_label("mobile")),
        ("with another expiry", KeyChange::new().with_expiry(end)),
        ("with a network", KeyChange::new().with_networks([network("10.0.0.0/8")])),
        ("without networks", KeyChange::new().with_networks([])),
    ] {
        check(what, &case.update_key(&key, change).await).await;
    }
    case.update_client("App 1", ClientChange::new().add_scope(scope("a"))).await;
    check("of a changed client", &case.listed(&key).await).await;
    case.disable("App 1").await;
    case.enable("App 1").await;
    check("of an enabled client", &case.listed(&key).await).await;
    check("once replaced", &case.rotate(&key, successor.to_new(), 4 * DAY).await.old).await;
    case.clock.set(begins + SECOND);
    case.admits("from its beginning", &key, "App 1").await;
}

/// A key that was revoked or has expired can get another label, but never another expiry.
pub(super) async fn ended_key_is_not_revived(case: &Case<impl Managed>) {
    let (revoked, expired) = (Key::of("revoked"), Key::of("expired"));
    let end = case.now() + HOUR;
    for key in [&revoked, &expired] {
        case.issue("App 1", key.to_new().with_expiry(end)).await;
    }
    case.revoke(&revoked).await;
    case.clock.advance(2 * HOUR);
    let later = case.now() + DAY;
    for (key, conflict, reason) in [
        (&revoked, RotationConflict::Revoked, WrongReason::Revoked),
        (&expired, RotationConflict::Expired, WrongReason::Expired),
    ] {
        let id = key.id();
        for change in [KeyChange::new().with_expiry(later), KeyChange::new().with_expiry(None)] {
            let change = change.with_label("back");
            case.refused(
                "changing the expiry of an ended key",
                |store| store.update_key(&id, change),
                |error| {
                    matches!(error, ManageError::Conflict { key_id, conflict: why }
                        if *key_id == id && *why == conflict)
                },
            )
            .await;
        }
        let change = KeyChange::new().with_label("of old").with_expiry(end);
        let changed = case.update_key(key, change).await;
        assert_eq!(changed.label.as_deref(), Some("of old"), "{case}: the label of an ended key");
        case.refuses("with another label", key, reason).await;
    }
}

pub(super) async fn empty_change_changes_nothing(case: &Case<impl Managed>) {
    case.add(detailed_profile()).await;
    let key = Key::of("a key");
    let new = key.to_new().with_label("production").with_expiry(case.now() + HOUR);
    let issued = case.issue("Detailed", new).await;
    let before = case.contents().await;
    let profile = detailed_profile();
    let same = ClientChange::new()
        .with_scopes(profile.scopes().to_vec())
        .with_title(profile.title().expect("it has a title"))
        .with_networks([])
        .with_quota(profile.quota().expect("it has a quota").clone())
        .with_metadata(profile.metadata().clone());
    let check = async || {
        let is_same = case.contents().await == before;
        assert!(is_same, "{case}: a change of nothing changes the store");
    };
    for change in [ClientChange::new(), same] {
        case.update_client("Detailed", change).await;
        check().await;
    }
    let same = KeyChange::new().with_label("production").with_expiry(issued.expires());
    let same = same.with_scopes([]).with_networks([]);
    for change in [KeyChange::new(), same] {
        case.update_key(&key, change).await;
        check().await;
    }
    case.admits("after a change of nothing", &key, "Detailed").await;
}

pub(super) async fn refused_change_changes_nothing(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    let id = key.id();
    let too_much =
        ClientChange::new().add_scope(scope("a")).set_metadata("k", "v".repeat(MAX_METADATA_BYTES));
    case.refused(
        "adding too much metadata",
        |store| store.update_client("App 1", too_much),
        |error| matches!(error, ManageError::Key(KeyError::Profile(_))),
    )
    .await;
    for title in ["", " x", "two\nlines"] {
        let change = ClientChange::new().add_scope(scope("a")).with_title(title);
        case.refused(
            "an invalid title",
            |store| store.update_client("App 1", change),
            |error| matches!(error, ManageError::Key(KeyError::Profile(_))),
        )
        .await;
    }
    let nobody = ClientChange::new().add_scope(scope("a"));
    case.refused(
        "changing an unknown client",
        |store| store.update_client("App 3", nobody),
        |error| matches!(error, ManageError::UnknownClient { nearest: Some(_) }),
    )
    .await;
    for label in ["", " ", "two\nlines"] {
        let change = KeyChange::new().with_expiry(case.now() + HOUR).with_label(label);
        case.refused(
            "an invalid label",
            |store| store.update_key(&id, change),
            |error| matches!(error, ManageError::Label(_)),
        )
        .await;
    }
    for expires in [case.now(), case.now() - HOUR] {
        let change = KeyChange::new().with_label("new").with_expiry(expires);
        case.refused(
            "an expiry that has passed",
            |store| store.update_key(&id, change),
            |error| matches!(error, ManageError::ExpiryPassed),
        )
        .await;
    }
    let unknown = Key::of("unknown").id();
    case.refused(
        "changing an unknown key",
        |store| store.update_key(&unknown, KeyChange::new().with_label("new")),
        |error| matches!(error, ManageError::UnknownKey { key_id, .. } if *key_id == unknown),
    )
    .await;
}

fn quota(text: &str) -> Quota {
    text.parse().expect("the quotas of the suite follow the grammar")
}
