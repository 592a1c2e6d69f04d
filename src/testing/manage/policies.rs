use std::time::Duration;

use super::fixture::{DAY, HOUR, Key, Managed};
use super::refusals::exactly;
use crate::error::WrongReason;
use crate::manage::{KeyChange, KeyInfo, ManageError, Policy, PolicyChange, PolicyError};
use crate::testing::case::Case;

/// Issuing, rotating and changing a key follow the policy.
pub(super) async fn policy_limits_the_lifetime_of_keys(case: &Case<impl Managed>) {
    let [old] = case.issued("App 1", ["older than the policy"]).await;
    let policy = Policy::new().with_max_lifetime(10 * DAY).with_default_lifetime(2 * DAY);
    set(case, policy).await;

    let key = Key::of("with the default");
    let issued = case.issue("App 1", key.to_new()).await;
    lasts(case, "a key with the default", &issued, 2 * DAY);
    case.clock.set(issued.expires().expect("the policy has a default lifetime"));
    case.refuses("from its default expiry", &key, WrongReason::Expired).await;
    case.admits("older than the policy", &old, "App 1").await;

    let now = case.now();
    let new = Key::of("new");
    let longest = case.issue("App 1", new.to_new().with_expiry(now + 10 * DAY)).await;
    for (expires, error) in [
        (None, PolicyError::NoExpiry),
        (Some(now + 11 * DAY), PolicyError::TooLong { max: 10 * DAY }),
    ] {
        let is_reason = exactly(error.into());
        let other = Key::of("other").to_new().with_expiry(expires);
        case.refused_issue("issuing a key", "App 1", other.clone(), &is_reason).await;
        case.refused_rotation("rotating a key", &new, other, &is_reason).await;
        let change = KeyChange::new().with_expiry(expires);
        case.refused_key_change("changing a key", &new, change, &is_reason).await;
    }
    case.update_key(&new, KeyChange::new().with_expiry(now + 5 * DAY)).await;
    let changed = KeyChange::new().with_expiry(longest.expires()).with_label("longest");
    case.update_key(&new, changed).await;
    // A change does not extend the lifetime, which begins with the issue.
    case.clock.advance(DAY);
    let change = KeyChange::new().with_expiry(now + 11 * DAY);
    let is_too_long = exactly(PolicyError::TooLong { max: 10 * DAY }.into());
    case.refused_key_change("extending a key", &new, change, is_too_long).await;

    // A key that never expires keeps its label, and its successor gets the default.
    case.update_key(&old, KeyChange::new().with_label("old").with_expiry(None)).await;
    let rotated = case.rotate(&old, Key::of("successor").to_new(), HOUR).await;
    assert_eq!(rotated.old.key_id, old.id(), "{case}: the rotated key");
    lasts(case, "the successor of a key without an expiry", &rotated.new, 2 * DAY);

    // An inherited lifetime is shortened.
    set(case, policy.with_default_lifetime(DAY).with_max_lifetime(3 * DAY)).await;
    let rotated = case.rotate(&new, Key::of("cut").to_new(), HOUR).await;
    lasts(case, "the successor of a key that lasts too long", &rotated.new, 3 * DAY);
}

/// Checks the lifetime of a key that was just issued, which a store may cut by less than an hour.
fn lasts(case: &Case<impl Managed>, what: &str, key: &KeyInfo, lifetime: Duration) {
    let left = key.expires().and_then(|end| end.duration_since(case.now()).ok());
    let is_right = left.is_some_and(|left| left <= lifetime && left + HOUR > lifetime);
    assert!(is_right, "{case}: {what} lasts {left:?}");
}

/// The policy is kept, and an invalid policy is refused.
pub(super) async fn policy_is_kept(case: &Case<impl Managed>) {
    let read = async || case.done("reading the policy", case.store.policy()).await;
    assert_eq!(read().await, Policy::new(), "{case}: the policy of a new store");
    for policy in [
        Policy::new().require_expiry(),
        Policy::new().with_max_lifetime(365 * DAY).with_default_lifetime(90 * DAY).require_expiry(),
        Policy::new().with_default_lifetime(Duration::from_secs(45)),
        Policy::new().with_max_lifetime(90 * HOUR),
    ] {
        set(case, policy).await;
        assert_eq!(read().await, policy, "{case}: the policy that was set");
        let invalid = policy.with_default_lifetime(HOUR).with_max_lifetime(HOUR / 2);
        let is_policy = |error: &ManageError| matches!(error, ManageError::Policy(_));
        let what = "a policy that contradicts itself";
        case.refused(what, |store| store.update_policy(invalid.into()), is_policy).await;
        assert_eq!(read().await, policy, "{case}: the policy after a refused one");
    }
    set(case, Policy::new().require_expiry()).await;
    let new = Key::of("never").to_new();
    for new in [new.clone(), new.with_expiry(None)] {
        let is_required = exactly(PolicyError::NoExpiry.into());
        let what = "issuing a key that never expires";
        case.refused_issue(what, "App 1", new, is_required).await;
    }
    set(case, Policy::new()).await;
    assert_eq!(read().await, Policy::new(), "{case}: the policy after it was removed");
    let [key] = case.issued("App 1", ["without a policy"]).await;
    case.admits("without a policy", &key, "App 1").await;
}

pub(super) async fn policy_keeps_what_a_change_does_not_name(case: &Case<impl Managed>) {
    let year = Policy::new().with_max_lifetime(365 * DAY);
    let both = year.with_default_lifetime(30 * DAY);
    let change = PolicyChange::new;
    for (change, policy) in [
        (change().with_max_lifetime(365 * DAY), year),
        (change().with_default_lifetime(30 * DAY), both),
        (change().require_expiry(), both.require_expiry()),
        (change(), both.require_expiry()),
        (change().with_max_lifetime(None), both.with_max_lifetime(None).require_expiry()),
        (change().allow_no_expiry(), both.with_max_lifetime(None)),
    ] {
        let what = format!("{change:?}");
        assert_eq!(update(case, change).await, policy, "{case}: the policy after {what}");
        let kept = case.done("reading the policy", case.store.policy()).await;
        assert_eq!(kept, policy, "{case}: the kept policy after {what}");
    }
    // The maximum is compared with the default that the change does not name.
    let short = change().with_max_lifetime(DAY);
    let is_reason = exactly(PolicyError::DefaultTooLong.into());
    case.refused("a maximum that is too short", |store| store.update_policy(short), is_reason)
        .await;
}

async fn set(case: &Case<impl Managed>, policy: Policy) {
    let set = update(case, policy.into()).await;
    assert_eq!(set, policy, "{case}: the returned policy");
}

async fn update(case: &Case<impl Managed>, change: PolicyChange) -> Policy {
    case.done("changing the policy", case.store.update_policy(change)).await
}
