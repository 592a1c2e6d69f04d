use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect};
use crate::client::ClientProfile;
use crate::error::WrongReason;
use crate::manage::{ClientInfo, KeyInfo, ManageError, ManageKeys};
use crate::store::KeyStore;
use crate::testing::rule::Rule;
use crate::testing::sample::detailed_profile;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn forgets<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    let name = detailed_profile().name().to_owned();
    fixture.add(detailed_profile()).await?;
    fixture.add("Staying").await?;
    let [plain, revoked, old, new, elsewhere] =
        ["plain", "revoked", "old", "new", "elsewhere"].map(Key::of);
    for key in [&plain, &revoked, &old] {
        fixture.issue(&name, key.to_new().with_label("production")).await?;
    }
    fixture.issue("Staying", elsewhere.to_new().with_label("staying")).await?;
    fixture.revoke(&revoked).await?;
    fixture.rotate(&old, new.to_new(), HOUR).await?;

    let is_enabled = |error: &ManageError| match error {
        ManageError::StillEnabled { name: known } => *known == name,
        _ => false,
    };
    let what = "removing an enabled client";
    fixture
        .refused(Rule::DisabledFirst, what, |store| store.remove_client(&name), is_enabled)
        .await?;
    fixture.admits(Rule::DisabledFirst, "of an enabled client", &plain, &name).await?;

    fixture.disable(&name).await?;
    let removing = fixture.store.remove_client(&name);
    let told = fixture.done(Rule::Removed, "removing a disabled client", removing).await?;
    let is_told = told.profile == detailed_profile() && !told.enabled;
    expect(Rule::Removed, is_told, "a removed client is told otherwise")?;
    for key in [&plain, &revoked, &old, &new] {
        fixture.refuses(Rule::Removed, "of a removed client", key, WrongReason::Unknown).await?;
    }
    fixture.admits(Rule::Removed, "beside a removed client", &elsewhere, "Staying").await?;
    let left = fixture.contents().await?;
    let names: Vec<_> = left.clients.iter().map(|client| client.profile.name()).collect();
    let labels: Vec<_> = left.keys.iter().map(|key| key.label.as_deref()).collect();
    let what = "a removed client is listed, or one that was not removed is not";
    expect(Rule::Removed, names == ["Staying"] && labels == [Some("staying")], what)?;
    let is_unknown = |error: &ManageError| matches!(error, ManageError::UnknownClient { .. });
    let what = "removing a client again";
    fixture.refused(Rule::Removed, what, |store| store.remove_client(&name), is_unknown).await?;

    let anew = ClientProfile::new(&name);
    fixture.add(anew.clone()).await?;
    let listed = fixture.clients().await?;
    let is_new =
        listed.contains(&ClientInfo::new(anew)) && fixture.keys(Some(&name)).await?.is_empty();
    expect(Rule::Removed, is_new, "a client that was added anew has something of the removed one")?;
    for key in [&plain, &revoked, &old, &new] {
        fixture.refuses(Rule::Removed, "of a removed client", key, WrongReason::Unknown).await?;
    }
    // Who removes a client lets go of the marks of its revoked keys.
    for key in [&revoked, &old] {
        let told = fixture.issue(&name, key.to_new()).await?;
        let right = KeyInfo { created: told.created, ..KeyInfo::new(key.id, &*name) };
        let what = "a key that was issued anew has something of the removed one";
        expect(Rule::Removed, told == right, what)?;
        fixture.admits(Rule::Removed, "issued anew", key, &name).await?;
    }
    Ok(())
}
