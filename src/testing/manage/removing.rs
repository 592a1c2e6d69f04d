use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect};
use crate::client::ClientProfile;
use crate::error::WrongReason;
use crate::manage::{ClientInfo, KeyInfo, ManageError, ManageKeys};
use crate::store::KeyStore;
use crate::testing::rule::Rule;
use crate::testing::sample::detailed_profile;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn removes_everything<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
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
    let returned = fixture.done(Rule::Removed, "removing a disabled client", removing).await?;
    let is_suggested = returned.profile == detailed_profile() && !returned.enabled;
    expect(Rule::Removed, is_suggested, "a removed client is returned incorrectly")?;
    for key in [&plain, &revoked, &old, &new] {
        fixture.refuses(Rule::Removed, "of a removed client", key, WrongReason::Unknown).await?;
    }
    fixture.admits(Rule::Removed, "beside a removed client", &elsewhere, "Staying").await?;
    let left = fixture.contents().await?;
    let names: Vec<_> = left.clients.iter().map(|client| client.profile.name()).collect();
    let labels: Vec<_> = left.keys.iter().map(|key| key.label.as_deref()).collect();
    let what = "a removed client is listed, or another client is missing";
    expect(Rule::Removed, names == ["Staying"] && labels == [Some("staying")], what)?;
    let is_unknown = |error: &ManageError| matches!(error, ManageError::UnknownClient { .. });
    let what = "removing a client again";
    fixture.refused(Rule::Removed, what, |store| store.remove_client(&name), is_unknown).await?;

    let anew = ClientProfile::new(&name);
    fixture.add(anew.clone()).await?;
    let listed = fixture.clients().await?;
    let is_new =
        listed.contains(&ClientInfo::new(anew)) && fixture.keys(Some(&name)).await?.is_empty();
    expect(Rule::Removed, is_new, "a client that was added again has data of the removed one")?;
    for key in [&plain, &revoked, &old, &new] {
        fixture.refuses(Rule::Removed, "of a removed client", key, WrongReason::Unknown).await?;
    }
    // Removing a client removes its revoked keys, which can then be issued again.
    for key in [&revoked, &old] {
        let returned = fixture.issue(&name, key.to_new()).await?;
        let expected = KeyInfo { created: returned.created, ..KeyInfo::new(key.id, &*name) };
        let what = "a key that was issued again has data of the removed one";
        expect(Rule::Removed, returned == expected, what)?;
        fixture.admits(Rule::Removed, "issued anew", key, &name).await?;
    }
    Ok(())
}
