use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect, is_same_second};
use crate::error::WrongReason;
use crate::manage::{
    Expiry, KeyError, KeyInfo, ManageError, ManageKeys, NewKey, Rotated, RotationConflict,
};
use crate::store::KeyStore;
use crate::testing::check::is_same_microsecond;
use crate::testing::rule::Rule;
use crate::testing::verification::LONG;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn replaces_the_key<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    let [first, second, third, fourth] = ["first", "second", "third", "fourth"].map(Key::of);
    let expires = fixture.now() + 48 * HOUR;
    let new = first.to_new().with_label("production").with_expiry(expires);
    let mut old = fixture.issue("App 1", new).await?;
    for (key, successor, new, label) in [
        (&first, &second, second.to_new(), "production"),
        (&second, &third, third.to_new().with_expiry(fixture.now() + LONG), "production"),
        (&third, &fourth, fourth.to_new().with_label("mobile"), "mobile"),
    ] {
        fixture.clock.advance(MINUTE);
        let own = match new.expiry() {
            Expiry::At(expires) => Some(expires),
            _ => None,
        };
        let returned = fixture.rotate(key, new, HOUR).await?;
        fixture.admits(Rule::Rotated, "as a successor", successor, "App 1").await?;
        fixture.admits(Rule::Grace, "within its grace", key, "App 1").await?;

        let mut new = KeyInfo::new(successor.id, "App 1");
        new.label = Some(label.to_owned());
        // The returned times are checked below.
        (new.created, new.expires) = (returned.new.created, returned.new.expires);
        let is_now = is_same_second(returned.new.created, fixture.now());
        expect(Rule::Rotated, is_now, "a successor is returned with another creation time")?;
        let is_kept = own.is_none() || is_same_microsecond(own, returned.new.expires);
        expect(Rule::Rotated, is_kept, "a successor has another expiry than its own")?;
        let mut replaced = KeyInfo { replaced_by: Some(successor.id), ..old };
        replaced.expires = returned.old.expires;
        let expected = Rotated::new(replaced, new);
        let listed = Rotated::new(
            fixture.listed(Rule::Rotated, key).await?,
            fixture.listed(Rule::Rotated, successor).await?,
        );
        let what = format!(
            "the keys should be {expected:?}, but were returned as {returned:?} and listed as {listed:?}"
        );
        expect(Rule::Rotated, returned == expected && listed == expected, &what)?;
        old = expected.new;
    }
    fixture.clock.advance(2 * HOUR);
    fixture.admits(Rule::Rotated, "as the last of a line", &fourth, "App 1").await
}

pub(super) async fn inherits_the_lifetime<S: KeyStore + ManageKeys>(
    fixture: Fixture<S>,
) -> Outcome {
    fixture.add("App 1").await?;
    // A lifetime may have a fraction of a second.
    let lifetime = 90 * 24 * HOUR + Duration::from_micros(250);
    let other = fixture.now() + LONG;
    for (own, new, expected) in [
        (None, Expiry::Inherit, None),
        (None, Expiry::At(other), Some(other)),
        (Some(lifetime), Expiry::Never, None),
        (Some(lifetime), Expiry::At(other), Some(other)),
    ] {
        let what = format!("a key with the lifetime {own:?}, rotated to {new:?},");
        let [old, successor] = ["old", "new"].map(|which| Key::of(&format!("{which} {what}")));
        let own = own.map(|own| fixture.now() + own);
        fixture.issue("App 1", old.to_new().with_expiry(own)).await?;
        fixture.rotate(&old, successor.to_new().with_expiry(new), HOUR).await?;
        let listed = fixture.listed(Rule::Inherited, &successor).await?.expires;
        let what = format!("{what} has a successor that should expire at {expected:?}: {listed:?}");
        expect(Rule::Inherited, is_same_microsecond(expected, listed), &what)?;
    }

    let [first, second, third] = ["first", "second", "third"].map(Key::of);
    fixture.issue("App 1", first.to_new().with_expiry(fixture.now() + lifetime)).await?;
    for (key, successor) in [(&first, &second), (&second, &third)] {
        // The creation may be cut to the second.
        fixture.clock.advance(80 * 24 * HOUR);
        let (least, most) = (fixture.now() + lifetime - SECOND, fixture.now() + lifetime + SECOND);
        fixture.rotate(key, successor.to_new(), HOUR).await?;
        let end = fixture.listed(Rule::Inherited, successor).await?.expires;
        let what = format!("a successor should expire about {most:?} as it inherits: {end:?}");
        expect(Rule::Inherited, end.is_some_and(|end| least < end && end < most), &what)?;
    }
    fixture.clock.set(fixture.now() + lifetime - SECOND);
    fixture.admits(Rule::Inherited, "before an inherited expiry", &third, "App 1").await?;
    fixture.clock.advance(2 * SECOND);
    let when = "after an inherited expiry";
    fixture.refuses(Rule::Inherited, when, &third, WrongReason::Expired).await
}

pub(super) async fn ends_the_old_key<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    // The grace, the remaining lifetime of the old key, and the time until its new expiry.
    for (grace, left, end) in [
        (HOUR, None, HOUR),
        (HOUR, Some(HOUR / 2), HOUR / 2),
        (HOUR, Some(HOUR), HOUR),
        (HOUR, Some(2 * HOUR), HOUR),
        (Duration::ZERO, None, Duration::ZERO),
        (Duration::ZERO, Some(HOUR), Duration::ZERO),
        (Duration::MAX, Some(HOUR), HOUR),
    ] {
        let what = format!("a key with {left:?} left, rotated with a grace of {grace:?},");
        let (old, new) = (Key::of(&what), Key::of(&format!("the successor of {what}")));
        let rotated = fixture.now();
        let own = left.map(|left| rotated + left);
        fixture.issue("App 1", old.to_new().with_expiry(own)).await?;
        let new_key = new.to_new().with_expiry(Expiry::Never);
        let returned = fixture.rotate(&old, new_key, grace).await?;
        let end = rotated + end;
        let ends_by_grace = rotated.checked_add(grace) == Some(end);
        let is_end = is_same_microsecond(Some(end), returned.old.expires)
            || ends_by_grace && is_same_second(returned.old.expires, end);
        let seen = format!("{what} should end at {end:?}, and not at {:?}", returned.old.expires);
        expect(Rule::Grace, is_end, &seen)?;

        if end > rotated + SECOND {
            fixture.clock.set(end - SECOND);
            fixture.admits(Rule::Grace, &format!("{what} a second before"), &old, "App 1").await?;
        }
        fixture.clock.set(end);
        let when = format!("{what} at its end");
        fixture.refuses(Rule::Grace, &when, &old, WrongReason::Expired).await?;
        fixture.admits(Rule::Rotated, "when its predecessor has ended", &new, "App 1").await?;
        fixture.clock.advance(LONG / 32);
        fixture.refuses(Rule::Grace, "a year later", &old, WrongReason::Expired).await?;
        fixture.admits(Rule::Rotated, "a year later", &new, "App 1").await?;
    }
    Ok(())
}

pub(super) async fn accepts_endless_grace<S: KeyStore + ManageKeys>(
    fixture: Fixture<S>,
) -> Outcome {
    fixture.add("App 1").await?;
    let year = 365 * 24 * HOUR;
    for (index, grace) in
        [50 * year, 10_000 * year, 1_000_000 * year, Duration::MAX].into_iter().enumerate()
    {
        let [old, new] = ["old", "new"].map(|what| Key::of(&format!("{what} {index}")));
        fixture.issue("App 1", old.to_new()).await?;
        let returned = fixture.rotate(&old, new.to_new(), grace).await?;
        // A store may replace an expiry out of range with its last valid time.
        let least = fixture.now() + grace.min(84 * year) - Duration::from_secs(1);
        let is_far = returned.old.expires.is_none_or(|end| end > least);
        let what = format!("a grace of {grace:?} ends at {:?}", returned.old.expires);
        expect(Rule::Grace, is_far, &what)?;
        fixture.admits(Rule::Grace, "within a long grace", &old, "App 1").await?;
        fixture.admits(Rule::Rotated, "after a long grace was given", &new, "App 1").await?;
    }
    Ok(())
}

pub(super) async fn conflicts<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    let [expiring, replaced, ended, revoked] =
        ["expiring", "replaced", "ended", "revoked"].map(Key::of);
    let [successor, of_ended, of_revoked] = ["successor", "of ended", "of revoked"].map(Key::of);
    let end = fixture.now() + HOUR;
    fixture.issue("App 1", expiring.to_new().with_expiry(end)).await?;
    for key in [&replaced, &ended, &revoked] {
        fixture.issue("App 1", key.to_new()).await?;
    }
    fixture.rotate(&replaced, successor.to_new(), 3 * HOUR).await?;
    fixture.rotate(&ended, of_ended.to_new(), Duration::ZERO).await?;
    fixture.rotate(&revoked, of_revoked.to_new(), 3 * HOUR).await?;
    fixture.revoke(&revoked).await?;

    let is_replaced =
        |by: &Key, conflict| conflict == RotationConflict::Replaced { successor: by.id };
    let is_over = |conflict| conflict == RotationConflict::Expired;
    conflict(&fixture, "rotating a key again", &replaced, |it| is_replaced(&successor, it)).await?;
    // If two reasons apply, a store may return either.
    let either = |it| is_over(it) || is_replaced(&of_ended, it);
    conflict(&fixture, "rotating a key whose grace is over", &ended, either).await?;
    let either = |it| it == RotationConflict::Revoked || is_replaced(&of_revoked, it);
    conflict(&fixture, "rotating a key that was replaced and revoked", &revoked, either).await?;
    for time in [end, end + MINUTE] {
        fixture.clock.set(time);
        conflict(&fixture, "rotating an expired key", &expiring, is_over).await?;
    }

    let last = Key::of("last");
    fixture.rotate(&successor, last.to_new(), HOUR).await?;
    conflict(&fixture, "rotating a key again", &replaced, |it| is_replaced(&successor, it)).await?;
    for key in [&replaced, &successor, &last] {
        fixture.admits(Rule::Rotated, "in a line of three", key, "App 1").await?;
    }
    Ok(())
}

async fn conflict<S: KeyStore + ManageKeys>(
    fixture: &Fixture<S>,
    what: &str,
    key: &Key,
    is_right: impl Fn(RotationConflict) -> bool,
) -> Outcome {
    let late = Key::of("too late");
    let change = |store| ManageKeys::rotate(store, &key.id, late.to_new(), HOUR);
    let is_reason = |error: &ManageError| match error {
        ManageError::Conflict { key_id, conflict } => *key_id == key.id && is_right(*conflict),
        _ => false,
    };
    fixture.refused(Rule::Conflict, what, change, is_reason).await?;
    fixture.refuses(Rule::Atomic, "after a conflict", &late, WrongReason::Unknown).await
}

type Reason = fn(&ManageError) -> bool;

pub(super) async fn can_fail<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        fixture.add(client).await?;
    }
    let [key, other, new] = ["key", "other", "new"].map(Key::of);
    fixture.issue("App 1", key.to_new().with_expiry(fixture.now() + 48 * HOUR)).await?;
    fixture.issue("App 2", other.to_new()).await?;

    let is_there =
        |error: &ManageError| matches!(error, ManageError::Key(KeyError::Duplicate { .. }));
    let has_id =
        |error: &ManageError| matches!(error, ManageError::Key(KeyError::IdConflict { .. }));
    let is_over = |error: &ManageError| matches!(error, ManageError::ExpiryPassed);
    let is_unfair = |error: &ManageError| matches!(error, ManageError::Label(_));
    let cases: [(Rule, &str, NewKey, Reason); 6] = [
        (Rule::UniqueKey, "rotating to a key of another client", other.to_new(), is_there),
        (Rule::UniqueKey, "rotating a key to itself", key.to_new(), is_there),
        (Rule::UniqueKey, "rotating to a key with a known id", other.with_same_id(), has_id),
        (Rule::UniqueKey, "rotating to a key with the same id", key.with_same_id(), has_id),
        (
            Rule::ValidExpiry,
            "rotating to an expired key",
            new.to_new().with_expiry(fixture.now()),
            is_over,
        ),
        (
            Rule::ValidLabel,
            "rotating to a badly labelled key",
            new.to_new().with_label("a\n"),
            is_unfair,
        ),
    ];
    for (rule, what, new, is_reason) in cases {
        let change = |store| ManageKeys::rotate(store, &key.id, new, Duration::ZERO);
        fixture.refused(rule, what, change, is_reason).await?;
        fixture.admits(Rule::Atomic, "after a rotation that failed", &key, "App 1").await?;
    }
    fixture.rotate(&key, new.to_new(), Duration::ZERO).await?;
    fixture.admits(Rule::Rotated, "after rotations that failed", &new, "App 1").await
}
