use super::fixture::{DAY, HOUR, Key, Managed};
use crate::error::WrongReason;
use crate::manage::{KeyChange, ManageError, Policy, PolicyError};
use crate::testing::case::Case;

/// Issuing, rotating and changing a key follow the policy.
pub(super) async fn policy_limits_the_lifetime_of_keys(case: &Case<impl Managed>) {
    let [old] = case.issued("App 1", ["older than the policy"]).await;
    let policy = Policy::new().with_max_lifetime(10 * DAY).with_default_lifetime(2 * DAY);
    set(case, policy).await;

    let key = Key::of("with the default");
    let issued = case.issue("App 1", key.to_new()).await;
    let end = issued.expires().expect("the policy has a default lifetime");
    let lifetime = end.duration_since(case.now()).unwrap_or_default();
    assert!(lifetime <= 2 * DAY && lifetime + HOUR > 2 * DAY, "{case}: {end:?} is the default");
    case.clock.set(end);
    case.refuses("from its default expiry", &key, WrongReason::Expired).await;
    case.admits("older than the policy", &old, "App 1").await;

    let now = case.now();
    let new = Key::of("new");
    let longest = case.issue("App 1", new.to_new().with_expiry(now + 10 * DAY)).await;
    let (id, old_id) = (new.id(), old.id());
    let other = || Key::of("other").to_new();
    for (expires, error) in [
        (None, PolicyError::NoExpiry),
        (Some(now + 11 * DAY), PolicyError::TooLong { max: 10 * DAY }),
    ] {
        let is_reason = |refused: &ManageError| matches!(refused, ManageError::Policy(found) if *found == error);
        let issue = || other().with_expiry(expires);
        case.refused("issuing a key", |store| store.issue("App 1", issue()), is_reason).await;
        case.refused("rotating a key", |store| store.rotate(&id, issue(), HOUR), is_reason).await;
        let change = || KeyChange::new().with_expiry(expires);
        case.refused("changing a key", |store| store.update_key(&id, change()), is_reason).await;
    }
    case.update_key(&new, KeyChange::new().with_expiry(now + 5 * DAY)).await;
    let changed = KeyChange::new().with_expiry(longest.expires()).with_label("longest");
    case.update_key(&new, changed).await;
    // A change does not extend the lifetime, which begins with the issue.
    case.clock.advance(DAY);
    case.refused(
        "extending a key",
        |store| store.update_key(&id, KeyChange::new().with_expiry(now + 11 * DAY)),
        |error| matches!(error, ManageError::Policy(PolicyError::TooLong { .. })),
    )
    .await;

    // A key that never expires keeps its label, and its successor gets the default.
    case.update_key(&old, KeyChange::new().with_label("old").with_expiry(None)).await;
    let rotated = case.rotate(&old, Key::of("successor").to_new(), HOUR).await;
    assert_eq!(rotated.old.key_id, old_id, "{case}: the rotated key");
    let lifetime = rotated.new.expires().and_then(|end| end.duration_since(case.now()).ok());
    let is_default = lifetime.is_some_and(|it| it <= 2 * DAY && it + HOUR > 2 * DAY);
    assert!(is_default, "{case}: the successor of a key without an expiry: {lifetime:?}");

    // An inherited lifetime is shortened.
    set(case, policy.with_default_lifetime(DAY).with_max_lifetime(3 * DAY)).await;
    let rotated = case.rotate(&new, Key::of("cut").to_new(), HOUR).await;
    let lifetime = rotated.new.expires().and_then(|end| end.duration_since(case.now()).ok());
    let is_cut = lifetime.is_some_and(|it| it <= 3 * DAY && it + HOUR > 3 * DAY);
    assert!(is_cut, "{case}: the inherited lifetime is {lifetime:?}");
}

/// The policy is kept, and an invalid policy is refused.
pub(super) async fn policy_is_kept(case: &Case<impl Managed>) {
    let read = async || case.done("reading the policy", case.store.policy()).await;
    assert_eq!(read().await, Policy::new(), "{case}: the policy of a new store");
    for policy in [
        Policy::new().require_expiry(),
        Policy::new().with_max_lifetime(365 * DAY).with_default_lifetime(90 * DAY).require_expiry(),
        Policy::new().with_default_lifetime(std::time::Duration::from_secs(45)),
        Policy::new().with_max_lifetime(90 * HOUR),
    ] {
        set(case, policy).await;
        assert_eq!(read().await, policy, "{case}: the policy that was set");
        let invalid = policy.with_default_lifetime(HOUR).with_max_lifetime(HOUR / 2);
        let refused = case.result("setting a policy", case.store.set_policy(invalid)).await;
        let is_refused = matches!(refused, Err(ManageError::Policy(_)));
        assert!(is_refused, "{case}: a policy that contradicts itself: {refused:?}");
        assert_eq!(read().await, policy, "{case}: the policy after a refused one");
    }
    set(case, Policy::new().require_expiry()).await;
    let what = "issuing a key that never expires";
    for new in [Key::of("never").to_new(), Key::of("never").to_new().with_expiry(None)] {
        case.refused(
            what,
            |store| store.issue("App 1", new),
            |error| matches!(error, ManageError::Policy(PolicyError::NoExpiry)),
        )
        .await;
    }
    set(case, Policy::new()).await;
    assert_eq!(read().await, Policy::new(), "{case}: the policy after it was removed");
    let [key] = case.issued("App 1", ["without a policy"]).await;
    case.admits("without a policy", &key, "App 1").await;
}

async fn set(case: &Case<impl Managed>, policy: Policy) {
    let set = case.done("setting a policy", case.store.set_policy(policy)).await;
    assert_eq!(set, policy, "{case}: the returned policy");
}
