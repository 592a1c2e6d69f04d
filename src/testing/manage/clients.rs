use super::fixture::{Key, Managed};
use crate::client::label::MAX_NAME_CHARS;
use crate::client::{ClientProfile, MAX_METADATA_BYTES};
use crate::manage::{ClientInfo, KeyError, ManageError};
use crate::testing::case::Case;
use crate::testing::sample::{detailed_profile, largest_profile, unlimited_profile};

pub(super) async fn added_client_keeps_its_profile(case: &Case<impl Managed>) {
    for profile in [
        // Names that differ only in case are different names.
        ClientProfile::new("app 1"),
        ClientProfile::new("O'Hara \"&\" \\ Søn: {#}; --"),
        detailed_profile(),
        unlimited_profile(),
        largest_profile(),
    ] {
        let name = profile.name();
        let expected = ClientInfo::new(profile.clone());
        let returned = case.add(profile.clone()).await;
        assert!(returned == expected, "{case}: {name:?} is returned with other fields");
        assert!(
            case.clients().await.contains(&expected),
            "{case}: {name:?} is not listed with its fields"
        );
        let key = Key::of(name);
        case.issue(name, key.to_new()).await;
        case.admits("once issued", &key, name).await;
        let seen = case.present(&key).await;
        let is_seen = seen.is_ok_and(|client| *client.profile() == profile);
        assert!(is_seen, "{case}: a handler sees {name:?} with other fields");
    }
}

pub(super) async fn client_name_is_unique(case: &Case<impl Managed>) {
    case.add(detailed_profile()).await;
    case.add("Disabled").await;
    case.disable("Disabled").await;
    for profile in
        [detailed_profile(), ClientProfile::new("Detailed"), ClientProfile::new("Disabled")]
    {
        let name = profile.name().to_owned();
        case.refused(
            "adding a client with a name in use",
            |store| store.add_client(profile),
            |error| matches!(error, ManageError::ClientExists { name: known } if *known == name),
        )
        .await;
    }
}

pub(super) async fn invalid_profile_is_refused(case: &Case<impl Managed>) {
    let too_much = [("k", "v".repeat(MAX_METADATA_BYTES))];
    for (what, profile) in [
        ("without a name", ClientProfile::new("")),
        ("with a blank name", ClientProfile::new(" ")),
        ("with a blank before its name", ClientProfile::new(" App 3")),
        ("with a line end in its name", ClientProfile::new("App\n3")),
        ("with an invisible character in its name", ClientProfile::new("App\u{200b} 3")),
        ("with too long a name", ClientProfile::new("n".repeat(MAX_NAME_CHARS + 1))),
        ("with too much metadata", ClientProfile::new("App 3").with_metadata(too_much)),
    ] {
        case.refused(
            &format!("adding a client {what}"),
            |store| store.add_client(profile),
            |error| matches!(error, ManageError::Key(KeyError::Profile(_))),
        )
        .await;
    }
}
