use std::time::Duration;

use super::stage::{Key, Outcome, Stage, expect, is_same_second};
use crate::error::WrongReason;
use crate::key::KeyError;
use crate::manage::{KeyInfo, ManageError, ManageKeys, RotationConflict};
use crate::record::KeyState;
use crate::store::KeyStore;
use crate::testing::rule::Rule;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn refuses_at_once<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        stage.add(client).await?;
    }
    let [leaked, other, elsewhere, expired] =
        ["leaked", "other", "elsewhere", "expired"].map(Key::of);
    let issued = stage.issue("App 1", leaked.to_new().with_label("production")).await?;
    stage.issue("App 1", other.to_new()).await?;
    stage.issue("App 2", elsewhere.to_new()).await?;
    stage.issue("App 1", expired.to_new().with_expiry(stage.now() + HOUR)).await?;
    stage.clock.turn(2 * HOUR);

    let told = stage.revoke(&leaked).await?;
    stage.refuses(Rule::Revoked, "once revoked", &leaked, WrongReason::Revoked).await?;
    stage.admits(Rule::Revoked, "when another was revoked", &other, "App 1").await?;
    stage.admits(Rule::Revoked, "when another was revoked", &elsewhere, "App 2").await?;
    let is_now = is_same_second(told.revoked, stage.now());
    expect(Rule::Revoked, is_now, "a key is told to have been revoked at another time")?;
    let right = KeyInfo { state: KeyState::Revoked, revoked: told.revoked, ..issued };
    let listed = stage.listed(Rule::Revoked, &leaked).await?;
    let what = format!("the revoked key should be {right:?}, was told as {told:?}");
    expect(Rule::Revoked, (&told, &listed) == (&right, &right), &what)?;

    stage.revoke(&expired).await?;
    stage.refuses(Rule::Revoked, "revoked late", &expired, WrongReason::Revoked).await?;

    stage.clock.turn(HOUR);
    let before = stage.contents().await?;
    let what = "revoking a key again changes it";
    expect(Rule::Repeated, stage.revoke(&leaked).await? == told, what)?;
    expect(Rule::Repeated, stage.contents().await? == before, what)
}

pub(super) async fn is_final<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        stage.add(client).await?;
    }
    let [revoked, other, old, new] = ["revoked", "other", "old", "new"].map(Key::of);
    for key in [&revoked, &other, &old] {
        stage.issue("App 1", key.to_new()).await?;
    }
    stage.revoke(&revoked).await?;

    for client in ["App 1", "App 2"] {
        let change = |store| ManageKeys::issue(store, client, revoked.to_new());
        stage.refused(Rule::RevokedForGood, "issuing a revoked key", change, is_revoked).await?;
    }
    let change = |store| ManageKeys::rotate(store, &other.id, revoked.to_new(), HOUR);
    let what = "rotating to a revoked key";
    stage.refused(Rule::RevokedForGood, what, change, is_revoked).await?;
    let change = |store| ManageKeys::rotate(store, &revoked.id, new.to_new(), HOUR);
    let is_conflict = |error: &ManageError| match error {
        ManageError::Conflict { key_id, conflict } => {
            (*key_id, *conflict) == (revoked.id, RotationConflict::Revoked)
        }
        _ => false,
    };
    stage.refused(Rule::Conflict, "rotating a revoked key", change, is_conflict).await?;

    for (when, is_enabled) in
        [("when its client is disabled", false), ("when its client is enabled", true)]
    {
        if is_enabled {
            stage.enable("App 1").await?;
            stage.enable("App 1").await?;
        } else {
            stage.disable("App 1").await?;
        }
        stage.refuses(Rule::RevokedForGood, when, &revoked, WrongReason::Revoked).await?;
        let seen = stage.listed(Rule::RevokedForGood, &revoked).await?.state;
        let what = format!("{when}, the key {} is {seen:?}", revoked.id);
        expect(Rule::RevokedForGood, seen == KeyState::Revoked, &what)?;
    }

    // A key that leaks while it is being replaced.
    stage.rotate(&old, new.to_new(), 2 * HOUR).await?;
    stage.revoke(&old).await?;
    stage.refuses(Rule::Revoked, "in its grace", &old, WrongReason::Revoked).await?;
    stage.admits(Rule::Revoked, "when its predecessor was revoked", &new, "App 1").await?;
    stage.clock.turn(3 * HOUR);
    let when = "when its grace is over";
    stage.refuses(Rule::RevokedForGood, when, &old, WrongReason::Revoked).await
}

fn is_revoked(error: &ManageError) -> bool {
    matches!(error, ManageError::Key(KeyError::Revoked { .. }))
}
