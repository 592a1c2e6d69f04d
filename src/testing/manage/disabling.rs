use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect};
use crate::error::WrongReason;
use crate::key::KeyState;
use crate::manage::ManageKeys;
use crate::store::KeyStore;
use crate::testing::rule::Rule;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn refuses_and_admits<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    // The name of the second client begins with that of the first.
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

    let returned = fixture.disable("App 1").await?;
    for key in [&plain, &expiring] {
        fixture.refuses(Rule::Disabled, "once disabled", key, WrongReason::Disabled).await?;
        let seen = fixture.listed(Rule::Disabled, key).await?.state;
        let what = "a key of a disabled client is not listed as disabled";
        expect(Rule::Disabled, seen == KeyState::Disabled, what)?;
    }
    fixture.refuses(Rule::Disabled, "once disabled", &revoked, WrongReason::Revoked).await?;
    fixture.admits(Rule::Disabled, "beside a disabled client", &elsewhere, "App 10").await?;
    let disabled = fixture.contents().await?;
    let enabled: Vec<_> = disabled.clients.iter().map(|client| client.enabled).collect();
    let is_listed = enabled == [false, true] && disabled.clients[0] == returned;
    expect(Rule::Disabled, is_listed, "a disabled client is not listed as disabled")?;

    fixture.clock.advance(Duration::from_secs(1));
    let again = "disabling a client again changes something";
    expect(Rule::Repeated, fixture.disable("App 1").await? == returned, again)?;
    expect(Rule::Repeated, fixture.contents().await? == disabled, again)?;

    let returned = fixture.enable("App 1").await?;
    for key in [&plain, &expiring] {
        fixture.admits(Rule::Enabled, "once enabled again", key, "App 1").await?;
    }
    fixture
        .refuses(Rule::RevokedPermanently, "once enabled", &revoked, WrongReason::Revoked)
        .await?;
    let enabled = fixture.contents().await?;
    expect(Rule::Enabled, enabled == at_first, "enabling does not exactly undo disabling")?;
    let again = "enabling a client again changes something";
    expect(Rule::Repeated, fixture.enable("App 1").await? == returned, again)?;
    expect(Rule::Repeated, fixture.contents().await? == enabled, again)?;

    fixture.disable("App 1").await?;
    fixture.clock.advance(2 * HOUR);
    fixture.enable("App 1").await?;
    fixture.refuses(Rule::Enabled, "expired meanwhile", &expiring, WrongReason::Expired).await
}

pub(super) async fn allows_key_changes<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    let [old, new, leaked, issued] = ["old", "new", "leaked", "issued"].map(Key::of);
    for key in [&old, &leaked] {
        fixture.issue("App 1", key.to_new()).await?;
    }
    fixture.disable("App 1").await?;

    let returned = fixture.issue("App 1", issued.to_new()).await?;
    let what = "a key issued to a disabled client is not returned as disabled";
    expect(Rule::Disabled, returned.state == KeyState::Disabled, what)?;
    fixture.refuses(Rule::Disabled, "issued meanwhile", &issued, WrongReason::Disabled).await?;
    let returned = fixture.rotate(&old, new.to_new(), HOUR).await?;
    let what = "keys rotated while disabled are not returned as disabled";
    let states = [returned.old.state, returned.new.state];
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
    fixture
        .refuses(Rule::RevokedPermanently, "once enabled", &leaked, WrongReason::Revoked)
        .await?;
    fixture.clock.advance(HOUR);
    fixture.refuses(Rule::Grace, "at the end of its grace", &old, WrongReason::Expired).await?;
    fixture.admits(Rule::Enabled, "beside its expired predecessor", &new, "App 1").await
}
