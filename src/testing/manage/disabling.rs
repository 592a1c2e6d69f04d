use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect};
use crate::error::WrongReason;
use crate::key::KeyState;
use crate::manage::ManageKeys;
use crate::store::KeyStore;
use crate::testing::rule::Rule;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn refuses_and_admits<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    // The second is listed behind the first, and its name begins with it.
    for client in ["App 1", "App 10"] {
        fixture.add(client).await?;
    }
    let [plain, expiring, revoked, elsewhere] =
        ["plain", "expiring", "revoked", "elsewhere"].map(Key::of);
    for key in [&plain, &revoked] {
        fixture.issue("App 1", key.to_new()).await?;
    }
    fixture.issue("App 1", expiring.to_new().with_expiry(fixture.now() + HOUR)).await?;
    fixture.issue("App 10", elsewhere.to_new()).await?;
    fixture.revoke(&revoked).await?;
    let at_first = fixture.contents().await?;

    let told = fixture.disable("App 1").await?;
    for key in [&plain, &expiring] {
        fixture.refuses(Rule::Disabled, "once disabled", key, WrongReason::Disabled).await?;
        let seen = fixture.listed(Rule::Disabled, key).await?.state;
        expect(Rule::Disabled, seen == KeyState::Disabled, "a disabled key is listed otherwise")?;
    }
    fixture.refuses(Rule::Disabled, "once disabled", &revoked, WrongReason::Revoked).await?;
    fixture.admits(Rule::Disabled, "beside a disabled client", &elsewhere, "App 10").await?;
    let disabled = fixture.contents().await?;
    let enabled: Vec<_> = disabled.clients.iter().map(|client| client.enabled).collect();
    let is_listed = enabled == [false, true] && disabled.clients[0] == told;
    expect(Rule::Disabled, is_listed, "a disabled client is listed otherwise")?;

    fixture.clock.advance(Duration::from_secs(1));
    let again = "disabling a client again changes something";
    expect(Rule::Repeated, fixture.disable("App 1").await? == told, again)?;
    expect(Rule::Repeated, fixture.contents().await? == disabled, again)?;

    let told = fixture.enable("App 1").await?;
    for key in [&plain, &expiring] {
        fixture.admits(Rule::Enabled, "once enabled again", key, "App 1").await?;
    }
    fixture.refuses(Rule::RevokedForGood, "once enabled", &revoked, WrongReason::Revoked).await?;
    let enabled = fixture.contents().await?;
    expect(Rule::Enabled, enabled == at_first, "enabling does not undo disabling alone")?;
    let again = "enabling a client again changes something";
    expect(Rule::Repeated, fixture.enable("App 1").await? == told, again)?;
    expect(Rule::Repeated, fixture.contents().await? == enabled, again)?;

    fixture.disable("App 1").await?;
    fixture.clock.advance(2 * HOUR);
    fixture.enable("App 1").await?;
    fixture.refuses(Rule::Enabled, "expired meanwhile", &expiring, WrongReason::Expired).await
}

pub(super) async fn lets_keys_change<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    let [old, new, leaked, issued] = ["old", "new", "leaked", "issued"].map(Key::of);
    for key in [&old, &leaked] {
        fixture.issue("App 1", key.to_new()).await?;
    }
    fixture.disable("App 1").await?;

    let told = fixture.issue("App 1", issued.to_new()).await?;
    let what = "a key that was issued to a disabled client is told otherwise";
    expect(Rule::Disabled, told.state == KeyState::Disabled, what)?;
    fixture.refuses(Rule::Disabled, "issued meanwhile", &issued, WrongReason::Disabled).await?;
    let told = fixture.rotate(&old, new.to_new(), HOUR).await?;
    let what = "keys that were rotated while disabled are told otherwise";
    let states = [told.old.state, told.new.state];
    expect(Rule::Disabled, states == [KeyState::Disabled; 2], what)?;
    for key in [&old, &new] {
        fixture.refuses(Rule::Disabled, "rotated meanwhile", key, WrongReason::Disabled).await?;
    }
    fixture.revoke(&leaked).await?;
    fixture.refuses(Rule::Revoked, "revoked meanwhile", &leaked, WrongReason::Revoked).await?;

    fixture.enable("App 1").await?;
    for key in [&issued, &old, &new] {
        fixture.admits(Rule::Enabled, "once enabled", key, "App 1").await?;
    }
    fixture.refuses(Rule::RevokedForGood, "once enabled", &leaked, WrongReason::Revoked).await?;
    fixture.clock.advance(HOUR);
    fixture.refuses(Rule::Grace, "at the end of its grace", &old, WrongReason::Expired).await?;
    fixture.admits(Rule::Enabled, "beside its expired predecessor", &new, "App 1").await
}
