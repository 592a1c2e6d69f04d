use super::fixture::{HOUR, Key, Managed, SECOND};
use super::refusals::exactly;
use crate::error::WrongReason;
use crate::key::KeyState;
use crate::manage::{KeyError, KeyInfo, ManageError};
use crate::testing::case::Case;

pub(super) async fn revoked_key_is_refused_at_once(case: &Case<impl Managed>) {
    let leaked = Key::of("leaked");
    let issued = case.issue("App 1", leaked.to_new().with_label("production")).await;
    let [other] = case.issued("App 1", ["other"]).await;
    let [elsewhere] = case.issued("App 2", ["elsewhere"]).await;
    let expired = case.issued_until("App 1", "expired", case.now() + HOUR).await;
    case.clock.advance(2 * HOUR);

    let returned = case.revoke(&leaked).await;
    case.refuses("once revoked", &leaked, WrongReason::Revoked).await;
    case.admits("when another was revoked", &other, "App 1").await;
    case.admits("when another was revoked", &elsewhere, "App 2").await;
    case.is_now("revocation", returned.revoked);
    let expected = KeyInfo { state: KeyState::Revoked, revoked: returned.revoked, ..issued };
    case.is_key("once revoked", &returned, &expected).await;

    case.revoke(&expired).await;
    case.refuses("revoked late", &expired, WrongReason::Revoked).await;
}

/// Issuing, rotating, or enabling its client does not restore a revoked key.
pub(super) async fn revoked_key_never_works_again(case: &Case<impl Managed>) {
    let [revoked, other, old] = case.issued("App 1", ["revoked", "other", "old"]).await;
    case.revoke(&revoked).await;
    let is_revoked = exactly(ManageError::Key(KeyError::Revoked { key_id: revoked.id() }));
    for client in ["App 1", "App 2"] {
        case.refused_issue("issuing a revoked key", client, revoked.to_new(), &is_revoked).await;
    }
    let new = revoked.to_new();
    case.refused_rotation("rotating to a revoked key", &other, new, is_revoked).await;

    case.disable("App 1").await;
    case.refuses("when its client is disabled", &revoked, WrongReason::Revoked).await;
    assert_eq!(case.listed(&revoked).await.state, KeyState::Revoked, "{case}: while disabled");
    // Enabling an enabled client has no effect either.
    for _ in 0..2 {
        case.enable("App 1").await;
        case.refuses("when its client is enabled", &revoked, WrongReason::Revoked).await;
    }
    assert_eq!(case.listed(&revoked).await.state, KeyState::Revoked, "{case}: when enabled");

    // Revokes a key that was replaced, as after a leak during a rotation.
    let new = case.rotated(&old, "new", 2 * HOUR).await;
    case.revoke(&old).await;
    case.refuses("in its grace", &old, WrongReason::Revoked).await;
    case.admits("when its predecessor was revoked", &new, "App 1").await;
    case.clock.advance(3 * HOUR);
    case.refuses("when its grace is over", &old, WrongReason::Revoked).await;
}

pub(super) async fn repeated_change_changes_nothing(case: &Case<impl Managed>) {
    let [revoked, _] = case.issued("App 1", ["revoked", "plain"]).await;
    let key = case.revoke(&revoked).await;
    let before = case.contents().await;
    case.clock.advance(HOUR);
    assert_eq!(case.revoke(&revoked).await, key, "{case}: revoking again");
    case.lists_the_same("revoking again", &before).await;
    let enabled = case.enable("App 1").await;
    case.lists_the_same("enabling again", &before).await;
    let disabled = case.disable("App 1").await;
    let before = case.contents().await;
    case.clock.advance(SECOND);
    assert_eq!(case.disable("App 1").await, disabled, "{case}: disabling again");
    case.lists_the_same("disabling again", &before).await;
    assert_eq!(case.enable("App 1").await, enabled, "{case}: enabling");
}
