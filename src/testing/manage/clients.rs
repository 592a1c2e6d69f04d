use super::fixture::{Key, Managed};
use super::refusals::{exactly, is_invalid_profile};
use crate::client::label::MAX_NAME_CHARS;
use crate::client::{ClientProfile, MAX_METADATA_BYTES};
use crate::manage::{ClientInfo, ManageError};
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
        let returned = case.add(profile.clone()).await;
        case.is_client(name, &returned, &ClientInfo::new(profile.clone())).await;
        let key = Key::of(name);
        case.issue(name, key.to_new()).await;
        case.admits("once issued", &key, name).await;
        case.shows(name, &key, &profile).await;
    }
}

pub(super) async fn client_name_is_unique(case: &Case<impl Managed>) {
    case.add(detailed_profile()).await;
    case.add("Disabled").await;
    case.disable("Disabled").await;
    for profile in
        [detailed_profile(), ClientProfile::new("Detailed"), ClientProfile::new("Disabled")]
    {
        let exists = ManageError::ClientExists { name: profile.name().to_owned() };
        let what = "adding a client with a name in use";
        case.refused(what, |store| store.add_client(profile), exactly(exists)).await;
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
        let what = format!("adding a client {what}");
        case.refused(&what, |store| store.add_client(profile), is_invalid_profile).await;
    }
}
