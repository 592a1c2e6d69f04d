use std::time::Duration;

use super::fixture::{DAY, HOUR, Key, MINUTE, Managed, SECOND};
use super::refusals::{Reason, conflict, is_invalid_label};
use crate::error::WrongReason;
use crate::manage::{Expiry, KeyError, KeyInfo, ManageError, Rotated, RotationConflict};
use crate::testing::case::{Case, LONG};

/// The successor has the old key's client, and its label unless it has one.
pub(super) async fn successor_is_admitted_at_once(case: &Case<impl Managed>) {
    let [first, second, third, fourth] = ["first", "second", "third", "fourth"].map(Key::of);
    let new = first.to_new().with_label("production").with_expiry(case.now() + 2 * DAY);
    let mut old = case.issue("App 1", new).await;
    for (key, successor, new, label) in [
        (&first, &second, second.to_new(), "production"),
        (&second, &third, third.to_new().with_expiry(case.now() + LONG), "production"),
        (&third, &fourth, fourth.to_new().with_label("mobile"), "mobile"),
    ] {
        case.clock.advance(MINUTE);
        let own = new.expiry();
        let returned = case.rotate(key, new, HOUR).await;
        case.admits("as a successor", successor, "App 1").await;
        case.admits("within its grace", key, "App 1").await;
        for (key, is_replaced) in [(successor, false), (key, true)] {
            let seen = case.present(key).await.ok().map(|client| client.is_replaced());
            assert_eq!(seen, Some(is_replaced), "{case}: whether a key was replaced");
        }

        case.is_now("creation", returned.new.created);
        if let Expiry::At(own) = own {
            case.expires_at("as a successor", &returned.new, Some(own));
        }
        let mut new = KeyInfo::new(successor.id(), "App 1");
        new.label = Some(label.to_owned());
        (new.created, new.lifetime) = (returned.new.created, returned.new.lifetime);
        old.replaced_by = Some(successor.id());
        old.lifetime = returned.old.lifetime;
        let expected = Rotated::new(old, new);
        let listed = Rotated::new(case.listed(key).await, case.listed(successor).await);
        assert_eq!(returned, expected, "{case}: the returned keys");
        assert_eq!(listed, expected, "{case}: the listed keys");
        old = expected.new;
    }
    case.clock.advance(2 * HOUR);
    case.admits("as the last of a line", &fourth, "App 1").await;
}

pub(super) async fn successor_inherits_the_lifetime(case: &Case<impl Managed>) {
    // A lifetime may have a fraction of a second.
    let lifetime = 90 * DAY + Duration::from_micros(250);
    let other = case.now() + LONG;
    for (own, new, expected) in [
        (None, Expiry::Inherit, None),
        (None, Expiry::At(other), Some(other)),
        (Some(lifetime), Expiry::Never, None),
        (Some(lifetime), Expiry::At(other), Some(other)),
    ] {
        let what = format!("a key with the lifetime {own:?}, rotated to {new:?}");
        let [old, successor] = ["old", "new"].map(|which| Key::of(&format!("{which} {what}")));
        let own = own.map(|own| case.now() + own);
        case.issue("App 1", old.to_new().with_expiry(own)).await;
        case.rotate(&old, successor.to_new().with_expiry(new), HOUR).await;
        case.expires_at(&what, &case.listed(&successor).await, expected);
    }

    let mut last = case.issued_until("App 1", "first", case.now() + lifetime).await;
    for successor in ["second", "third"] {
        case.clock.advance(80 * DAY);
        last = case.rotated(&last, successor, HOUR).await;
        let (most, seen) = (case.now() + lifetime, case.listed(&last).await.expires());
        // The creation may be cut to the second.
        let is_close = seen.is_some_and(|end| most - SECOND < end && end < most + SECOND);
        assert!(is_close, "{case}: the expiry should be about {most:?} and is {seen:?}");
    }
    case.clock.set(case.now() + lifetime - SECOND);
    case.admits("before an inherited expiry", &last, "App 1").await;
    case.clock.advance(2 * SECOND);
    case.refuses("after an inherited expiry", &last, WrongReason::Expired).await;
}

/// A successor must not work before the old key would have, and need not wait for a beginning that has passed.
pub(super) async fn successor_inherits_a_future_beginning(case: &Case<impl Managed>) {
    let [first, third] = ["first", "third"].map(Key::of);
    let begins = case.now() + DAY;
    case.issue("App 1", first.to_new().with_not_before(begins)).await;
    let second = case.rotated(&first, "second", HOUR).await;
    case.begins_at("inherited", &case.listed(&second).await, Some(begins));
    case.refuses("before an inherited beginning", &second, WrongReason::NotYetValid).await;
    let later = begins + DAY;
    case.rotate(&second, third.to_new().with_not_before(later), HOUR).await;
    case.begins_at("its own", &case.listed(&third).await, Some(later));
    case.clock.set(later + SECOND);
    let fourth = case.rotated(&third, "fourth", HOUR).await;
    assert_eq!(case.listed(&fourth).await.not_before(), None, "{case}: a past beginning");
    case.admits("after a beginning that has passed", &fourth, "App 1").await;
}

pub(super) async fn key_that_cannot_be_rotated_is_a_conflict(case: &Case<impl Managed>) {
    let [replaced, ended, both, revoked] =
        case.issued("App 1", ["replaced", "ended", "both", "revoked"]).await;
    let end = case.now() + HOUR;
    let expiring = case.issued_until("App 1", "expiring", end).await;
    let successor = case.rotated(&replaced, "successor", 3 * HOUR).await;
    let of_ended = case.rotated(&ended, "of ended", Duration::ZERO).await;
    let of_both = case.rotated(&both, "of both", 3 * HOUR).await;
    case.revoke(&both).await;
    case.revoke(&revoked).await;

    let by = |successor: &Key| RotationConflict::Replaced { successor: successor.id() };
    let (is_over, is_revoked) = (RotationConflict::Expired, RotationConflict::Revoked);
    let conflicts = async |what: &str, key: &Key, reasons: &[RotationConflict]| {
        let late = Key::of("too late");
        case.refused_rotation(what, key, late.to_new(), conflict(key, reasons)).await;
        case.refuses("after a conflict", &late, WrongReason::Unknown).await;
    };
    conflicts("rotating a key again", &replaced, &[by(&successor)]).await;
    conflicts("rotating a revoked key", &revoked, &[is_revoked]).await;
    // If two reasons apply, a store may return either.
    conflicts("rotating a key whose grace is over", &ended, &[is_over, by(&of_ended)]).await;
    let what = "rotating a key that was replaced and revoked";
    conflicts(what, &both, &[is_revoked, by(&of_both)]).await;
    for time in [end, end + MINUTE] {
        case.clock.set(time);
        conflicts("rotating an expired key", &expiring, &[is_over]).await;
    }

    let last = case.rotated(&successor, "last", HOUR).await;
    conflicts("rotating a key again", &replaced, &[by(&successor)]).await;
    for key in [&replaced, &successor, &last] {
        case.admits("in a line of three", key, "App 1").await;
    }
}

pub(super) async fn refused_rotation_changes_nothing(case: &Case<impl Managed>) {
    let key = case.issued_until("App 1", "key", case.now() + 2 * DAY).await;
    let [other] = case.issued("App 2", ["other"]).await;
    let new = Key::of("new");

    let is_known: Reason = |error| matches!(error, ManageError::Key(KeyError::Duplicate { .. }));
    let has_id: Reason = |error| matches!(error, ManageError::Key(KeyError::IdConflict { .. }));
    let is_over: Reason = |error| matches!(error, ManageError::ExpiryPassed);
    let (expired, unlabelled) =
        (new.to_new().with_expiry(case.now()), new.to_new().with_label("a\n"));
    for (what, successor, is_reason) in [
        ("rotating to a key of another client", other.to_new(), is_known),
        ("rotating a key to itself", key.to_new(), is_known),
        ("rotating to a key with a known id", other.with_same_id(), has_id),
        ("rotating to a key with the same id", key.with_same_id(), has_id),
        ("rotating to an expired key", expired, is_over),
        ("rotating to a key with an invalid label", unlabelled, is_invalid_label),
    ] {
        let id = key.id();
        case.refused(what, |store| store.rotate(&id, successor, Duration::ZERO), is_reason).await;
        case.admits("after a rotation that failed", &key, "App 1").await;
    }
    let new = case.rotated(&key, "new", Duration::ZERO).await;
    case.admits("after rotations that failed", &new, "App 1").await;
}
