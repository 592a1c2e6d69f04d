use super::fixture::{DAY, HOUR, Key, Managed, SECOND};
use super::refusals::{Reason, conflict, exactly, is_invalid_label, is_invalid_profile};
use crate::client::{ClientProfile, MAX_METADATA_BYTES, Quota};
use crate::error::WrongReason;
use crate::manage::{ClientChange, ClientInfo, KeyChange, KeyInfo, ManageError, RotationConflict};
use crate::testing::case::Case;
use crate::testing::sample::{detailed_profile, network, scope};

type Changed = fn(ClientProfile) -> ClientProfile;

/// Handlers see the change at the next request, and everything that it does not name stays.
pub(super) async fn client_is_changed_at_once(case: &Case<impl Managed>) {
    let (mut profile, name) = (detailed_profile(), "Detailed");
    case.add(profile.clone()).await;
    let [key, revoked] = case.issued(name, ["a key", "a revoked key"]).await;
    let [other] = case.issued("App 1", ["of another client"]).await;
    case.revoke(&revoked).await;

    let change = ClientChange::new;
    let change_scopes = change()
        .add_scope(scope("zeta:*"))
        .add_scope(scope("stock:*"))
        .remove_scope(scope("orders:read"))
        .remove_scope(scope("not:there"));
    let set_metadata = change()
        .set_metadata("team", "shipping: \"4\"")
        .set_metadata("new name", "#1")
        .remove_metadata("note")
        .remove_metadata("missing");
    // Each change, and its effect on the profile that the previous ones left.
    let changes: [(&str, ClientChange, Changed); 10] = [
        ("the scopes", change_scopes, |it| {
            it.with_scopes(["stock:*", "v1.2:some_thing-else", "zeta:*"].map(scope))
        }),
        ("a quota", change().with_quota(quota("7/second")), |it| it.with_quota(quota("7/second"))),
        ("some metadata", set_metadata, |it| {
            it.with_metadata([("team", "shipping: \"4\""), ("new name", "#1"), ("none", "")])
        }),
        ("all scopes", change().with_scopes(["a", "b:*"].map(scope)), |it| {
            it.with_scopes(["a", "b:*"].map(scope))
        }),
        ("all metadata", change().with_metadata([("only", "one")]), |it| {
            it.with_metadata([("only", "one")])
        }),
        ("no quota", change().without_quota(), ClientProfile::without_quota),
        ("nothing", change().with_scopes([]).with_metadata([("", ""); 0]), |it| {
            it.with_scopes([]).with_metadata([("", ""); 0])
        }),
        ("a title", change().with_title("It's # 2: \"ü\""), |it| it.with_title("It's # 2: \"ü\"")),
        ("no title", change().without_title(), ClientProfile::without_title),
        ("no limit", change().with_title("Shop").with_quota(quota("unlimited")), |it| {
            it.with_title("Shop").with_quota(quota("unlimited"))
        }),
    ];
    for (what, change, changed) in changes {
        profile = changed(profile);
        let returned = case.update_client(name, change).await;
        let expected = ClientInfo { keys: 1, ..ClientInfo::new(profile.clone()) };
        case.is_client(what, &returned, &expected).await;
        case.shows(what, &key, &profile).await;
    }
    case.refuses("of a changed client", &revoked, WrongReason::Revoked).await;
    case.shows("another client", &other, &ClientProfile::new("App 1")).await;
    // A key that is issued later belongs to the changed client, too.
    let [later] = case.issued(name, ["a later key"]).await;
    case.shows("a later key", &later, &profile).await;
}

pub(super) async fn changed_client_stays_disabled(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    case.disable("App 1").await;
    let changed = case.update_client("App 1", ClientChange::new().add_scope(scope("a"))).await;
    assert!(!changed.enabled, "{case}: the change enables the client");
    case.refuses("of a disabled client", &key, WrongReason::Disabled).await;
    case.enable("App 1").await;
    let profile = ClientProfile::new("App 1").with_scopes([scope("a")]);
    case.shows("a client that was changed while disabled", &key, &profile).await;
}

pub(super) async fn key_is_changed_at_once(case: &Case<impl Managed>) {
    let key = Key::of("changed");
    let new = key.to_new().with_label("production").with_expiry(case.now() + 2 * HOUR);
    let issued = case.issue("App 1", new).await;
    let [other] = case.issued("App 1", ["other"]).await;
    let before = case.listed(&other).await;

    let expect = async |what: &str, change: KeyChange, expected: &KeyInfo| {
        case.is_key(what, &case.update_key(&key, change).await, expected).await;
    };
    let change = KeyChange::new;
    let labelled = KeyInfo { label: Some("mobile \"2\"".to_owned()), ..issued.clone() };
    expect("with another label", change().with_label("mobile \"2\""), &labelled).await;
    let bare = KeyInfo { label: None, ..issued };
    expect("without a label", change().without_label(), &bare).await;
    // The expiry may move earlier or later, and the label stays.
    expect("with the label again", change().with_label("mobile \"2\""), &labelled).await;
    let expect_until = async |what, expires| {
        let lifetime = labelled.lifetime.with_expiry(expires);
        let expected = KeyInfo { lifetime, ..labelled.clone() };
        expect(what, change().with_expiry(expires), &expected).await;
    };
    expect_until("with a later expiry", Some(case.now() + 20 * DAY)).await;
    expect_until("with an earlier expiry", Some(case.now() + HOUR)).await;
    expect_until("without an expiry", None).await;
    case.clock.advance(3 * HOUR);
    case.admits("without an expiry", &key, "App 1").await;
    expect_until("with a new expiry", Some(case.now() + HOUR)).await;
    case.clock.advance(HOUR);
    case.refuses("from its new expiry", &key, WrongReason::Expired).await;
    case.admits("when another was changed", &other, "App 1").await;
    assert_eq!(case.listed(&other).await, before, "{case}: another key was changed");
}

/// Covers changes of the key, of its client, and its rotation.
pub(super) async fn changed_key_does_not_work_early(case: &Case<impl Managed>) {
    let key = Key::of("beginning later");
    let begins = case.now() + 2 * DAY;
    case.issue("App 1", key.to_new().with_not_before(begins)).await;
    let check = async |what: &str, returned: &KeyInfo| {
        case.begins_at(what, returned, Some(begins));
        case.begins_at(what, &case.listed(&key).await, Some(begins));
        case.refuses(what, &key, WrongReason::NotYetValid).await;
    };
    for (what, change) in [
        ("with another label", KeyChange::new().with_label("mobile")),
        ("with another expiry", KeyChange::new().with_expiry(begins + DAY)),
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
    let successor = Key::of("its successor").to_new();
    check("once replaced", &case.rotate(&key, successor, 4 * DAY).await.old).await;
    case.clock.set(begins + SECOND);
    case.admits("from its beginning", &key, "App 1").await;
}

/// A key that was revoked or has expired can get another label, but never another expiry.
pub(super) async fn ended_key_is_not_revived(case: &Case<impl Managed>) {
    let end = case.now() + HOUR;
    let revoked = case.issued_until("App 1", "revoked", end).await;
    let expired = case.issued_until("App 1", "expired", end).await;
    case.revoke(&revoked).await;
    case.clock.advance(2 * HOUR);
    let later = case.now() + DAY;
    for (key, why, reason) in [
        (&revoked, RotationConflict::Revoked, WrongReason::Revoked),
        (&expired, RotationConflict::Expired, WrongReason::Expired),
    ] {
        for expires in [Some(later), None] {
            let change = KeyChange::new().with_expiry(expires).with_label("back");
            let what = "changing the expiry of an ended key";
            case.refused_key_change(what, key, change, conflict(key, &[why])).await;
        }
        let change = KeyChange::new().with_label("of old").with_expiry(end);
        let changed = case.update_key(key, change).await;
        assert_eq!(changed.label.as_deref(), Some("of old"), "{case}: the label of an ended key");
        case.refuses("with another label", key, reason).await;
    }
}

pub(super) async fn expiry_before_the_beginning_is_refused(case: &Case<impl Managed>) {
    let (key, begins) = (Key::of("beginning later"), case.now() + 2 * DAY);
    case.issue("App 1", key.to_new().with_not_before(begins)).await;
    for expires in [case.now() + DAY, begins] {
        let what = format!("an expiry at {expires:?} of a key that begins at {begins:?}");
        let change = KeyChange::new().with_label("new").with_expiry(expires);
        case.refused_key_change(&what, &key, change, exactly(ManageError::NeverValid)).await;
    }
    let ends = begins + DAY;
    let changed = case.update_key(&key, KeyChange::new().with_expiry(ends)).await;
    case.expires_at("with an expiry after its beginning", &changed, Some(ends));
    case.clock.set(begins + SECOND);
    case.admits("from its beginning", &key, "App 1").await;
}

pub(super) async fn empty_change_changes_nothing(case: &Case<impl Managed>) {
    let profile = detailed_profile();
    case.add(profile.clone()).await;
    let key = Key::of("a key");
    let new = key.to_new().with_label("production").with_expiry(case.now() + HOUR);
    let issued = case.issue("Detailed", new).await;
    let before = case.contents().await;
    let same = ClientChange::new()
        .with_scopes(profile.scopes().to_vec())
        .with_title(profile.title().expect("it has a title"))
        .with_networks([])
        .with_quota(profile.quota().expect("it has a quota").clone())
        .with_metadata(profile.metadata().clone());
    for change in [ClientChange::new(), same] {
        case.update_client("Detailed", change).await;
        case.lists_the_same("a change of nothing", &before).await;
    }
    let same = KeyChange::new().with_label("production").with_expiry(issued.expires());
    for change in [KeyChange::new(), same.with_scopes([]).with_networks([])] {
        case.update_key(&key, change).await;
        case.lists_the_same("a change of nothing", &before).await;
    }
    case.admits("after a change of nothing", &key, "Detailed").await;
}

pub(super) async fn refused_change_changes_nothing(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    let with_scope = || ClientChange::new().add_scope(scope("a"));
    let refused_client = async |what: &str, name: &str, change: ClientChange, is_reason: Reason| {
        case.refused(what, |store| store.update_client(name, change), is_reason).await;
    };
    let change = with_scope().set_metadata("k", "v".repeat(MAX_METADATA_BYTES));
    refused_client("too much metadata", "App 1", change, is_invalid_profile).await;
    for title in ["", " x", "two\nlines"] {
        let change = with_scope().with_title(title);
        refused_client("an invalid title", "App 1", change, is_invalid_profile).await;
    }
    refused_client("changing an unknown client", "App 3", with_scope(), |error| {
        matches!(error, ManageError::UnknownClient { nearest: Some(_) })
    })
    .await;
    for label in ["", " ", "two\nlines"] {
        let change = KeyChange::new().with_expiry(case.now() + HOUR).with_label(label);
        case.refused_key_change("an invalid label", &key, change, is_invalid_label).await;
    }
    for expires in [case.now(), case.now() - HOUR] {
        let change = KeyChange::new().with_label("new").with_expiry(expires);
        let is_past = exactly(ManageError::ExpiryPassed);
        case.refused_key_change("an expiry that has passed", &key, change, is_past).await;
    }
    let (unknown, change) = (Key::of("unknown"), KeyChange::new().with_label("new"));
    let is_unknown = |error: &ManageError| matches!(error, ManageError::UnknownKey { key_id, .. } if *key_id == unknown.id());
    case.refused_key_change("changing an unknown key", &unknown, change, is_unknown).await;
}

fn quota(text: &str) -> Quota {
    text.parse().expect("the quotas of the suite follow the grammar")
}
