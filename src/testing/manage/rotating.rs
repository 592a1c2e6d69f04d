use std::time::Duration;

use super::stage::{Key, Outcome, Stage, expect, is_same_second};
use crate::error::WrongReason;
use crate::key::KeyError;
use crate::manage::{Expiry, KeyInfo, ManageError, ManageKeys, NewKey, Rotated, RotationConflict};
use crate::store::KeyStore;
use crate::testing::check::is_same_microsecond;
use crate::testing::corridor::LONG;
use crate::testing::rule::Rule;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn hands_over<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    stage.add("App 1").await?;
    let [first, second, third, fourth] = ["first", "second", "third", "fourth"].map(Key::of);
    let expires = stage.now() + 48 * HOUR;
    let new = first.to_new().with_label("production").with_expiry(expires);
    let mut old = stage.issue("App 1", new).await?;
    for (key, successor, new, label) in [
        (&first, &second, second.to_new(), "production"),
        (&second, &third, third.to_new().with_expiry(stage.now() + LONG), "production"),
        (&third, &fourth, fourth.to_new().with_label("mobile"), "mobile"),
    ] {
        stage.clock.turn(MINUTE);
        let own = match new.expiry() {
            Expiry::At(expires) => Some(expires),
            _ => None,
        };
        let told = stage.rotate(key, new, HOUR).await?;
        stage.admits(Rule::Rotated, "as a successor", successor, "App 1").await?;
        stage.admits(Rule::Grace, "within its grace", key, "App 1").await?;

        let mut new = KeyInfo::new(successor.id, "App 1");
        new.label = Some(label.to_owned());
        // As they are told, once those are known to be close enough.
        (new.created, new.expires) = (told.new.created, told.new.expires);
        let is_now = is_same_second(told.new.created, stage.now());
        expect(Rule::Rotated, is_now, "a successor is told with another time of creation")?;
        let is_kept = own.is_none() || is_same_microsecond(own, told.new.expires);
        expect(Rule::Rotated, is_kept, "a successor has another expiry than its own")?;
        let mut replaced = KeyInfo { replaced_by: Some(successor.id), ..old };
        replaced.expires = told.old.expires;
        let right = Rotated::new(replaced, new);
        let listed = Rotated::new(
            stage.listed(Rule::Rotated, key).await?,
            stage.listed(Rule::Rotated, successor).await?,
        );
        let what =
            format!("the keys should be {right:?}, were told as {told:?}, listed as {listed:?}");
        expect(Rule::Rotated, told == right && listed == right, &what)?;
        old = right.new;
    }
    stage.clock.turn(2 * HOUR);
    stage.admits(Rule::Rotated, "as the last of a line", &fourth, "App 1").await
}

pub(super) async fn inherits_the_lifetime<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    stage.add("App 1").await?;
    // Finer than a second, as a lifetime may be.
    let lifetime = 90 * 24 * HOUR + Duration::from_micros(250);
    let other = stage.now() + LONG;
    for (own, new, right) in [
        (None, Expiry::Inherit, None),
        (None, Expiry::At(other), Some(other)),
        (Some(lifetime), Expiry::Never, None),
        (Some(lifetime), Expiry::At(other), Some(other)),
    ] {
        let what = format!("a key with the lifetime {own:?}, rotated to {new:?},");
        let [old, successor] = ["old", "new"].map(|which| Key::of(&format!("{which} {what}")));
        let own = own.map(|own| stage.now() + own);
        stage.issue("App 1", old.to_new().with_expiry(own)).await?;
        stage.rotate(&old, successor.to_new().with_expiry(new), HOUR).await?;
        let listed = stage.listed(Rule::Inherited, &successor).await?.expires;
        let what = format!("{what} has a successor that should expire at {right:?}: {listed:?}");
        expect(Rule::Inherited, is_same_microsecond(right, listed), &what)?;
    }

    let [first, second, third] = ["first", "second", "third"].map(Key::of);
    stage.issue("App 1", first.to_new().with_expiry(stage.now() + lifetime)).await?;
    for (key, successor) in [(&first, &second), (&second, &third)] {
        // The creation may be cut to the second.
        stage.clock.turn(80 * 24 * HOUR);
        let (least, most) = (stage.now() + lifetime - SECOND, stage.now() + lifetime + SECOND);
        stage.rotate(key, successor.to_new(), HOUR).await?;
        let end = stage.listed(Rule::Inherited, successor).await?.expires;
        let what = format!("a successor should expire about {most:?} as it inherits: {end:?}");
        expect(Rule::Inherited, end.is_some_and(|end| least < end && end < most), &what)?;
    }
    stage.clock.set(stage.now() + lifetime - SECOND);
    stage.admits(Rule::Inherited, "before an inherited expiry", &third, "App 1").await?;
    stage.clock.turn(2 * SECOND);
    let when = "after an inherited expiry";
    stage.refuses(Rule::Inherited, when, &third, WrongReason::Expired).await
}

pub(super) async fn ends_the_old_key<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    stage.add("App 1").await?;
    // The grace, the time that the old key had left, and when it ends.
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
        let rotated = stage.now();
        let own = left.map(|left| rotated + left);
        stage.issue("App 1", old.to_new().with_expiry(own)).await?;
        let new_key = new.to_new().with_expiry(Expiry::Never);
        let told = stage.rotate(&old, new_key, grace).await?;
        let end = rotated + end;
        let ends_by_grace = rotated.checked_add(grace) == Some(end);
        let is_end = is_same_microsecond(Some(end), told.old.expires)
            || ends_by_grace && is_same_second(told.old.expires, end);
        let seen = format!("{what} should end at {end:?}, and not at {:?}", told.old.expires);
        expect(Rule::Grace, is_end, &seen)?;

        if end > rotated + SECOND {
            stage.clock.set(end - SECOND);
            stage.admits(Rule::Grace, &format!("{what} a second before"), &old, "App 1").await?;
        }
        stage.clock.set(end);
        let when = format!("{what} at its end");
        stage.refuses(Rule::Grace, &when, &old, WrongReason::Expired).await?;
        stage.admits(Rule::Rotated, "when its predecessor has ended", &new, "App 1").await?;
        stage.clock.turn(LONG / 32);
        stage.refuses(Rule::Grace, "a year later", &old, WrongReason::Expired).await?;
        stage.admits(Rule::Rotated, "a year later", &new, "App 1").await?;
    }
    Ok(())
}

pub(super) async fn bears_a_grace_without_end<S: KeyStore + ManageKeys>(
    stage: Stage<S>,
) -> Outcome {
    stage.add("App 1").await?;
    let year = 365 * 24 * HOUR;
    for (index, grace) in
        [50 * year, 10_000 * year, 1_000_000 * year, Duration::MAX].into_iter().enumerate()
    {
        let [old, new] = ["old", "new"].map(|what| Key::of(&format!("{what} {index}")));
        stage.issue("App 1", old.to_new()).await?;
        let told = stage.rotate(&old, new.to_new(), grace).await?;
        // What a store cannot write may become the last time that it can, and not an early one.
        let least = stage.now() + grace.min(84 * year) - Duration::from_secs(1);
        let is_far = told.old.expires.is_none_or(|end| end > least);
        let what = format!("a grace of {grace:?} ends at {:?}", told.old.expires);
        expect(Rule::Grace, is_far, &what)?;
        stage.admits(Rule::Grace, "within a long grace", &old, "App 1").await?;
        stage.admits(Rule::Rotated, "after a long grace was given", &new, "App 1").await?;
    }
    Ok(())
}

pub(super) async fn conflicts<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    stage.add("App 1").await?;
    let [expiring, replaced, ended, revoked] =
        ["expiring", "replaced", "ended", "revoked"].map(Key::of);
    let [successor, of_ended, of_revoked] = ["successor", "of ended", "of revoked"].map(Key::of);
    let end = stage.now() + HOUR;
    stage.issue("App 1", expiring.to_new().with_expiry(end)).await?;
    for key in [&replaced, &ended, &revoked] {
        stage.issue("App 1", key.to_new()).await?;
    }
    stage.rotate(&replaced, successor.to_new(), 3 * HOUR).await?;
    stage.rotate(&ended, of_ended.to_new(), Duration::ZERO).await?;
    stage.rotate(&revoked, of_revoked.to_new(), 3 * HOUR).await?;
    stage.revoke(&revoked).await?;

    let is_replaced =
        |by: &Key, conflict| conflict == RotationConflict::Replaced { successor: by.id };
    let is_over = |conflict| conflict == RotationConflict::Expired;
    conflict(&stage, "rotating a key again", &replaced, |it| is_replaced(&successor, it)).await?;
    // Of a key that is both, either may be told.
    let either = |it| is_over(it) || is_replaced(&of_ended, it);
    conflict(&stage, "rotating a key whose grace is over", &ended, either).await?;
    let either = |it| it == RotationConflict::Revoked || is_replaced(&of_revoked, it);
    conflict(&stage, "rotating a key that was replaced and revoked", &revoked, either).await?;
    for time in [end, end + MINUTE] {
        stage.clock.set(time);
        conflict(&stage, "rotating an expired key", &expiring, is_over).await?;
    }

    let last = Key::of("last");
    stage.rotate(&successor, last.to_new(), HOUR).await?;
    conflict(&stage, "rotating a key again", &replaced, |it| is_replaced(&successor, it)).await?;
    for key in [&replaced, &successor, &last] {
        stage.admits(Rule::Rotated, "in a line of three", key, "App 1").await?;
    }
    Ok(())
}

async fn conflict<S: KeyStore + ManageKeys>(
    stage: &Stage<S>,
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
    stage.refused(Rule::Conflict, what, change, is_reason).await?;
    stage.refuses(Rule::WholeOrNot, "after a conflict", &late, WrongReason::Unknown).await
}

type Reason = fn(&ManageError) -> bool;

pub(super) async fn can_fail<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        stage.add(client).await?;
    }
    let [key, other, new] = ["key", "other", "new"].map(Key::of);
    stage.issue("App 1", key.to_new().with_expiry(stage.now() + 48 * HOUR)).await?;
    stage.issue("App 2", other.to_new()).await?;

    let is_there =
        |error: &ManageError| matches!(error, ManageError::Key(KeyError::Duplicate { .. }));
    let has_id =
        |error: &ManageError| matches!(error, ManageError::Key(KeyError::IdConflict { .. }));
    let is_over = |error: &ManageError| matches!(error, ManageError::ExpiryPassed);
    let is_unfair = |error: &ManageError| matches!(error, ManageError::Label(_));
    let cases: [(Rule, &str, NewKey, Reason); 6] = [
        (Rule::KeyOnce, "rotating to a key of another client", other.to_new(), is_there),
        (Rule::KeyOnce, "rotating a key to itself", key.to_new(), is_there),
        (Rule::KeyOnce, "rotating to a key with a known id", other.with_same_id(), has_id),
        (Rule::KeyOnce, "rotating to a key with the same id", key.with_same_id(), has_id),
        (
            Rule::FairExpiry,
            "rotating to an expired key",
            new.to_new().with_expiry(stage.now()),
            is_over,
        ),
        (
            Rule::FairLabel,
            "rotating to a badly labelled key",
            new.to_new().with_label("a\n"),
            is_unfair,
        ),
    ];
    for (rule, what, new, is_reason) in cases {
        let change = |store| ManageKeys::rotate(store, &key.id, new, Duration::ZERO);
        stage.refused(rule, what, change, is_reason).await?;
        stage.admits(Rule::WholeOrNot, "after a rotation that failed", &key, "App 1").await?;
    }
    stage.rotate(&key, new.to_new(), Duration::ZERO).await?;
    stage.admits(Rule::Rotated, "after rotations that failed", &new, "App 1").await
}
