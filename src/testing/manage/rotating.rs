use std::time::Duration;

use super::fixture::{DAY, HOUR, Key, MINUTE, Managed, SECOND, is_same_second};
use crate::error::WrongReason;
use crate::manage::{Expiry, KeyError, KeyInfo, ManageError, NewKey, Rotated, RotationConflict};
use crate::testing::case::{Case, LONG, is_rounded_up, is_same_microsecond};

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
            let seen = case.present(key).await.map(|client| client.is_replaced());
            let is_right = seen.as_ref().is_ok_and(|seen| *seen == is_replaced);
            assert!(is_right, "{case}: whether the key was replaced is {seen:?}");
        }

        let (created, expires) = (returned.new.created, returned.new.expires());
        assert!(is_same_second(created, case.now()), "{case}: its creation is {created:?}");
        if let Expiry::At(own) = own {
            assert!(is_same_microsecond(Some(own), expires), "{case}: its expiry is {expires:?}");
        }
        let mut new = KeyInfo::new(successor.id(), "App 1");
        new.label = Some(label.to_owned());
        (new.created, new.lifetime) = (created, returned.new.lifetime);
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
        let seen = case.listed(&successor).await.expires();
        assert!(is_same_microsecond(expected, seen), "{case}: {what}, has {seen:?}");
    }

    let [first, second, third] = ["first", "second", "third"].map(Key::of);
    case.issue("App 1", first.to_new().with_expiry(case.now() + lifetime)).await;
    for (key, successor) in [(&first, &second), (&second, &third)] {
        case.clock.advance(80 * DAY);
        case.rotate(key, successor.to_new(), HOUR).await;
        let (most, seen) = (case.now() + lifetime, case.listed(successor).await.expires());
        // The creation may be cut to the second.
        let is_close = seen.is_some_and(|end| most - SECOND < end && end < most + SECOND);
        assert!(is_close, "{case}: the expiry should be about {most:?} and is {seen:?}");
    }
    case.clock.set(case.now() + lifetime - SECOND);
    case.admits("before an inherited expiry", &third, "App 1").await;
    case.clock.advance(2 * SECOND);
    case.refuses("after an inherited expiry", &third, WrongReason::Expired).await;
}

/// A successor must not work before the old key would have, and need not wait for a beginning that has passed.
pub(super) async fn successor_inherits_a_future_beginning(case: &Case<impl Managed>) {
    let [first, second, third, fourth] = ["first", "second", "third", "fourth"].map(Key::of);
    let begins = case.now() + DAY;
    case.issue("App 1", first.to_new().with_not_before(begins)).await;
    case.rotate(&first, second.to_new(), HOUR).await;
    let seen = case.listed(&second).await.not_before();
    assert!(is_rounded_up(Some(begins), seen), "{case}: the beginning {begins:?} is {seen:?}");
    case.refuses("before an inherited beginning", &second, WrongReason::NotYetValid).await;
    let later = begins + DAY;
    case.rotate(&second, third.to_new().with_not_before(later), HOUR).await;
    let seen = case.listed(&third).await.not_before();
    assert!(is_rounded_up(Some(later), seen), "{case}: the beginning {later:?} is {seen:?}");
    case.clock.set(later + SECOND);
    case.rotate(&third, fourth.to_new(), HOUR).await;
    assert_eq!(case.listed(&fourth).await.not_before(), None, "{case}: a past beginning");
    case.admits("after a beginning that has passed", &fourth, "App 1").await;
}

pub(super) async fn key_that_cannot_be_rotated_is_a_conflict(case: &Case<impl Managed>) {
    let [replaced, ended, both, revoked] =
        case.issued("App 1", ["replaced", "ended", "both", "revoked"]).await;
    let [successor, of_ended, of_both] = ["successor", "of ended", "of both"].map(Key::of);
    let (expiring, end) = (Key::of("expiring"), case.now() + HOUR);
    case.issue("App 1", expiring.to_new().with_expiry(end)).await;
    case.rotate(&replaced, successor.to_new(), 3 * HOUR).await;
    case.rotate(&ended, of_ended.to_new(), Duration::ZERO).await;
    case.rotate(&both, of_both.to_new(), 3 * HOUR).await;
    case.revoke(&both).await;
    case.revoke(&revoked).await;

    let by = |successor: &Key| RotationConflict::Replaced { successor: successor.id() };
    let (is_over, is_revoked) = (RotationConflict::Expired, RotationConflict::Revoked);
    conflicts(case, "rotating a key again", &replaced, &[by(&successor)]).await;
    conflicts(case, "rotating a revoked key", &revoked, &[is_revoked]).await;
    // If two reasons apply, a store may return either.
    let what = "rotating a key whose grace is over";
    conflicts(case, what, &ended, &[is_over, by(&of_ended)]).await;
    let what = "rotating a key that was replaced and revoked";
    conflicts(case, what, &both, &[is_revoked, by(&of_both)]).await;
    for time in [end, end + MINUTE] {
        case.clock.set(time);
        conflicts(case, "rotating an expired key", &expiring, &[is_over]).await;
    }

    let last = Key::of("last");
    case.rotate(&successor, last.to_new(), HOUR).await;
    conflicts(case, "rotating a key again", &replaced, &[by(&successor)]).await;
    for key in [&replaced, &successor, &last] {
        case.admits("in a line of three", key, "App 1").await;
    }
}

async fn conflicts(case: &Case<impl Managed>, what: &str, key: &Key, reasons: &[RotationConflict]) {
    let (id, late) = (key.id(), Key::of("too late"));
    case.refused(
        what,
        |store| store.rotate(&id, late.to_new(), HOUR),
        |error| matches!(error, ManageError::Conflict { key_id, conflict } if *key_id == id && reasons.contains(conflict)),
    )
    .await;
    case.refuses("after a conflict", &late, WrongReason::Unknown).await;
}

type Reason = fn(&ManageError) -> bool;

pub(super) async fn refused_rotation_changes_nothing(case: &Case<impl Managed>) {
    let [key, new] = ["key", "new"].map(Key::of);
    case.issue("App 1", key.to_new().with_expiry(case.now() + 2 * DAY)).await;
    let [other] = case.issued("App 2", ["other"]).await;

    let is_known: Reason = |error| matches!(error, ManageError::Key(KeyError::Duplicate { .. }));
    let has_id: Reason = |error| matches!(error, ManageError::Key(KeyError::IdConflict { .. }));
    let is_over: Reason = |error| matches!(error, ManageError::ExpiryPassed);
    let is_invalid: Reason = |error| matches!(error, ManageError::Label(_));
    let expired: NewKey = new.to_new().with_expiry(case.now());
    for (what, successor, is_reason) in [
        ("rotating to a key of another client", other.to_new(), is_known),
        ("rotating a key to itself", key.to_new(), is_known),
        ("rotating to a key with a known id", other.with_same_id(), has_id),
        ("rotating to a key with the same id", key.with_same_id(), has_id),
        ("rotating to an expired key", expired, is_over),
        ("rotating to a key with an invalid label", new.to_new().with_label("a\n"), is_invalid),
    ] {
        let id = key.id();
        case.refused(what, |store| store.rotate(&id, successor, Duration::ZERO), is_reason).await;
        case.admits("after a rotation that failed", &key, "App 1").await;
    }
    case.rotate(&key, new.to_new(), Duration::ZERO).await;
    case.admits("after rotations that failed", &new, "App 1").await;
}
