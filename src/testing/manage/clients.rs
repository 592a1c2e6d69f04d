use super::fixture::{Fixture, Key, Outcome, expect};
use crate::client::label::MAX_NAME_CHARS;
use crate::client::{ClientProfile, MAX_METADATA_BYTES};
use crate::manage::{ClientInfo, KeyError, ManageError, ManageKeys};
use crate::store::KeyStore;
use crate::testing::rule::{Rule, Violation};
use crate::testing::sample::{detailed_profile, largest_profile, unlimited_profile};

pub(super) async fn are_added<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    let nothing = fixture.contents().await?;
    let is_empty = nothing.clients.is_empty() && nothing.keys.is_empty();
    expect(Rule::Empty, is_empty, "a fresh store lists clients or keys")?;

    let profiles = [
        ClientProfile::new("App 1"),
        // Names that differ in their case alone are two names.
        ClientProfile::new("app 1"),
        ClientProfile::new("O'Hara \"&\" \\ Søn: {#}; --"),
        detailed_profile(),
        unlimited_profile(),
        largest_profile(),
    ];
    for profile in profiles {
        let returned = fixture.add(profile.clone()).await?;
        let known = fixture.clients().await?;
        let listed = known.iter().find(|client| client.profile.name() == profile.name());
        let expected = ClientInfo::new(profile.clone());
        if returned != expected || listed != Some(&expected) {
            return Err(Violation::new(
                Rule::ClientAdded,
                format!("the client {:?} is returned or listed incorrectly", profile.name()),
            ));
        }
        let key = Key::of(profile.name());
        fixture.issue(profile.name(), key.to_new()).await?;
        fixture.admits(Rule::Issued, "as soon as it is issued", &key, profile.name()).await?;
        let is_seen = match fixture.present(&key).await {
            Some(Ok(client)) => *client.profile() == profile,
            _ => false,
        };
        expect(Rule::ClientAdded, is_seen, "a handler does not see the profile that was added")?;
    }
    Ok(())
}

pub(super) async fn are_refused<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add(detailed_profile()).await?;
    fixture.add("Disabled").await?;
    fixture.disable("Disabled").await?;
    let again =
        [detailed_profile(), ClientProfile::new("Detailed"), ClientProfile::new("Disabled")];
    for profile in again {
        let name = profile.name().to_owned();
        fixture
            .refused(
                Rule::UniqueClient,
                "adding a client with a name in use",
                |store| store.add_client(profile),
                |error| matches!(error, ManageError::ClientExists { name: known } if *known == name),
            )
            .await?;
    }

    let too_much = [("k", "v".repeat(MAX_METADATA_BYTES))];
    let unfair = [
        ("without a name", ClientProfile::new("")),
        ("with a blank name", ClientProfile::new(" ")),
        ("with a blank before its name", ClientProfile::new(" App 1")),
        ("with a line end in its name", ClientProfile::new("App\n1")),
        ("with an invisible character in its name", ClientProfile::new("App\u{200b} 1")),
        ("with too long a name", ClientProfile::new("n".repeat(MAX_NAME_CHARS + 1))),
        ("with too much metadata", ClientProfile::new("App 1").with_metadata(too_much)),
    ];
    for (what, profile) in unfair {
        fixture
            .refused(
                Rule::ValidProfile,
                &format!("adding a client {what}"),
                |store| store.add_client(profile),
                |error| matches!(error, ManageError::Key(KeyError::Profile(_))),
            )
            .await?;
    }
    Ok(())
}
