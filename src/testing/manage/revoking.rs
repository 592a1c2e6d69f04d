use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect, is_same_second};
use crate::error::WrongReason;
use crate::key::KeyState;
use crate::manage::{KeyError, KeyInfo, ManageError, ManageKeys, RotationConflict};
use crate::store::KeyStore;
use crate::testing::rule::Rule;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn refuses_at_once<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        fixture.add(client).await?;
    }
    let [leaked, other, elsewhere, expired] =
        ["leaked", "other", "elsewhere", "expired"].map(Key::of);
    let issued = fixture.issue("App 1", leaked.to_new().with_label("production")).await?;
    fixture.issue("App 1", other.to_new()).await?;
    fixture.issue("App 2", elsewhere.to_new()).await?;
    fixture.issue("App 1", expired.to_new().with_expiry(fixture.now() + HOUR)).await?;
    fixture.clock.advance(2 * HOUR);

    let returned = fixture.revoke(&leaked).await?;
    fixture.refuses(Rule::Revoked, "once revoked", &leaked, WrongReason::Revoked).await?;
    fixture.admits(Rule::Revoked, "when another was revoked", &other, "App 1").await?;
    fixture.admits(Rule::Revoked, "when another was revoked", &elsewhere, "App 2").await?;
    let is_now = is_same_second(returned.revoked, fixture.now());
    expect(Rule::Revoked, is_now, "a revoked key is returned with another time of revocation")?;
    let expected = KeyInfo { state: KeyState::Revoked, revoked: returned.revoked, ..issued };
    let listed = fixture.listed(Rule::Revoked, &leaked).await?;
    let what = format!("the revoked key should be {expected:?}, but was returned as {returned:?}");
    expect(Rule::Revoked, (&returned, &listed) == (&expected, &expected), &what)?;

    fixture.revoke(&expired).await?;
    fixture.refuses(Rule::Revoked, "revoked late", &expired, WrongReason::Revoked).await?;

    fixture.clock.advance(HOUR);
    let before = fixture.contents().await?;
    let what = "revoking a key again changes it";
    expect(Rule::Repeated, fixture.revoke(&leaked).await? == returned, what)?;
    expect(Rule::Repeated, fixture.contents().await? == before, what)
}

pub(super) async fn is_final<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        fixture.add(client).await?;
    }
    let [revoked, other, old, new] = ["revoked", "other", "old", "new"].map(Key::of);
    for key in [&revoked, &other, &old] {
        fixture.issue("App 1", key.to_new()).await?;
    }
    fixture.revoke(&revoked).await?;

    for client in ["App 1", "App 2"] {
        let change = |store| ManageKeys::issue(store, client, revoked.to_new());
        fixture
            .refused(Rule::RevokedPermanently, "issuing a revoked key", change, is_revoked)
            .await?;
    }
    let change = |store| ManageKeys::rotate(store, &other.id, revoked.to_new(), HOUR);
    let what = "rotating to a revoked key";
    fixture.refused(Rule::RevokedPermanently, what, change, is_revoked).await?;
    let change = |store| ManageKeys::rotate(store, &revoked.id, new.to_new(), HOUR);
    let is_conflict = |error: &ManageError| match error {
        ManageError::Conflict { key_id, conflict } => {
            (*key_id, *conflict) == (revoked.id, RotationConflict::Revoked)
        }
        _ => false,
    };
    fixture.refused(Rule::Conflict, "rotating a revoked key", change, is_conflict).await?;

    for (when, is_enabled) in
        [("when its client is disabled", false), ("when its client is enabled", true)]
    {
        if is_enabled {
            fixture.enable("App 1").await?;
            fixture.enable("App 1").await?;
        } else {
            fixture.disable("App 1").await?;
        }
        fixture.refuses(Rule::RevokedPermanently, when, &revoked, WrongReason::Revoked).await?;
        let seen = fixture.listed(Rule::RevokedPermanently, &revoked).await?.state;
        let what = format!("{when}, the key {} is {seen:?}", revoked.id);
        expect(Rule::RevokedPermanently, seen == KeyState::Revoked, &what)?;
    }

    // A key that leaks while it is being replaced.
    fixture.rotate(&old, new.to_new(), 2 * HOUR).await?;
    fixture.revoke(&old).await?;
    fixture.refuses(Rule::Revoked, "in its grace", &old, WrongReason::Revoked).await?;
    fixture.admits(Rule::Revoked, "when its predecessor was revoked", &new, "App 1").await?;
    fixture.clock.advance(3 * HOUR);
    let when = "when its grace is over";
    fixture.refuses(Rule::RevokedPermanently, when, &old, WrongReason::Revoked).await
}

fn is_revoked(error: &ManageError) -> bool {
    matches!(error, ManageError::Key(KeyError::Revoked { .. }))
}
