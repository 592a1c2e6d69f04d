use std::time::Duration;

use super::stage::{Key, Outcome, Stage, expect};
use crate::error::WrongReason;
use crate::manage::ManageKeys;
use crate::record::KeyState;
use crate::store::KeyStore;
use crate::testing::rule::Rule;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn refuses_and_admits<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    // The second is listed behind the first, and its name begins with it.
    for client in ["App 1", "App 10"] {
        stage.add(client).await?;
    }
    let [plain, expiring, revoked, elsewhere] =
        ["plain", "expiring", "revoked", "elsewhere"].map(Key::of);
    for key in [&plain, &revoked] {
        stage.issue("App 1", key.to_new()).await?;
    }
    stage.issue("App 1", expiring.to_new().with_expiry(stage.now() + HOUR)).await?;
    stage.issue("App 10", elsewhere.to_new()).await?;
    stage.revoke(&revoked).await?;
    let at_first = stage.contents().await?;

    let told = stage.disable("App 1").await?;
    for key in [&plain, &expiring] {
        stage.refuses(Rule::Disabled, "once disabled", key, WrongReason::Disabled).await?;
        let seen = stage.listed(Rule::Disabled, key).await?.state;
        expect(Rule::Disabled, seen == KeyState::Disabled, "a disabled key is listed otherwise")?;
    }
    stage.refuses(Rule::Disabled, "once disabled", &revoked, WrongReason::Revoked).await?;
    stage.admits(Rule::Disabled, "beside a disabled client", &elsewhere, "App 10").await?;
    let disabled = stage.contents().await?;
    let enabled: Vec<_> = disabled.clients.iter().map(|client| client.enabled).collect();
    let is_listed = enabled == [false, true] && disabled.clients[0] == told;
    expect(Rule::Disabled, is_listed, "a disabled client is listed otherwise")?;

    stage.clock.turn(Duration::from_secs(1));
    let again = "disabling a client again changes something";
    expect(Rule::Repeated, stage.disable("App 1").await? == told, again)?;
    expect(Rule::Repeated, stage.contents().await? == disabled, again)?;

    let told = stage.enable("App 1").await?;
    for key in [&plain, &expiring] {
        stage.admits(Rule::Enabled, "once enabled again", key, "App 1").await?;
    }
    stage.refuses(Rule::RevokedForGood, "once enabled", &revoked, WrongReason::Revoked).await?;
    let enabled = stage.contents().await?;
    expect(Rule::Enabled, enabled == at_first, "enabling does not undo disabling alone")?;
    let again = "enabling a client again changes something";
    expect(Rule::Repeated, stage.enable("App 1").await? == told, again)?;
    expect(Rule::Repeated, stage.contents().await? == enabled, again)?;

    stage.disable("App 1").await?;
    stage.clock.turn(2 * HOUR);
    stage.enable("App 1").await?;
    stage.refuses(Rule::Enabled, "expired meanwhile", &expiring, WrongReason::Expired).await
}

pub(super) async fn lets_keys_change<S: KeyStore + ManageKeys>(stage: Stage<S>) -> Outcome {
    stage.add("App 1").await?;
    let [old, new, leaked, issued] = ["old", "new", "leaked", "issued"].map(Key::of);
    for key in [&old, &leaked] {
        stage.issue("App 1", key.to_new()).await?;
    }
    stage.disable("App 1").await?;

    let told = stage.issue("App 1", issued.to_new()).await?;
    let what = "a key that was issued to a disabled client is told otherwise";
    expect(Rule::Disabled, told.state == KeyState::Disabled, what)?;
    stage.refuses(Rule::Disabled, "issued meanwhile", &issued, WrongReason::Disabled).await?;
    let told = stage.rotate(&old, new.to_new(), HOUR).await?;
    let what = "keys that were rotated while disabled are told otherwise";
    let states = [told.old.state, told.new.state];
    expect(Rule::Disabled, states == [KeyState::Disabled; 2], what)?;
    for key in [&old, &new] {
        stage.refuses(Rule::Disabled, "rotated meanwhile", key, WrongReason::Disabled).await?;
    }
    stage.revoke(&leaked).await?;
    stage.refuses(Rule::Revoked, "revoked meanwhile", &leaked, WrongReason::Revoked).await?;

    stage.enable("App 1").await?;
    for key in [&issued, &old, &new] {
        stage.admits(Rule::Enabled, "once enabled", key, "App 1").await?;
    }
    stage.refuses(Rule::RevokedForGood, "once enabled", &leaked, WrongReason::Revoked).await?;
    stage.clock.turn(HOUR);
    stage.refuses(Rule::Grace, "at the end of its grace", &old, WrongReason::Expired).await?;
    stage.admits(Rule::Enabled, "beside its expired predecessor", &new, "App 1").await
}
