use std::mem;

use crate::client::ClientProfile;
use crate::manage::ClientFacts;
use crate::store::sql::client_columns::{
    metadata, metadata_text, networks, quota, quota_text, scopes,
};
use crate::store::sql::column::{Codec, Column, Table};

pub(in crate::store) static CLIENTS: Table<ClientFacts> = Table {
    name: "clients",
    columns: &[
        Column::new(
            "name",
            Codec::Text(
                |client| Some(client.profile.name().into()),
                |client, name| {
                    let name = name.ok_or("its `name` is null")?;
                    // A cursor already starts with a profile of this name.
                    if client.profile.name() != name {
                        client.profile = ClientProfile::new(name);
                    }
                    Ok(())
                },
            ),
        ),
        ENABLED,
        Column::new(
            "scopes",
            Codec::Texts(
                |client| client.profile.scopes().iter().map(ToString::to_string).collect(),
                |client, texts| {
                    let scopes = scopes(texts)?;
                    if !scopes.is_empty() {
                        change(client, |profile| profile.with_scopes(scopes));
                    }
                    Ok(())
                },
            ),
        ),
        Column::new(
            "quota",
            Codec::Json(
                |client| client.profile.quota().map(|quota| quota_text(quota).into()),
                |client, text| {
                    if let Some(text) = text {
                        let quota = quota(text)?;
                        change(client, |profile| profile.with_quota(quota));
                    }
                    Ok(())
                },
            ),
        ),
        Column::new(
            "metadata",
            Codec::Json(
                |client| Some(metadata_text(&client.profile).into()),
                |client, text| {
                    let metadata = metadata(text.ok_or("its `metadata` is null")?)?;
                    if !metadata.is_empty() {
                        change(client, |profile| profile.with_metadata(metadata));
                    }
                    Ok(())
                },
            ),
        ),
        Column::new(
            "title",
            Codec::Text(
                |client| client.profile.title().map(Into::into),
                |client, text| {
                    if let Some(text) = text {
                        change(client, |profile| profile.with_title(text));
                    }
                    Ok(())
                },
            ),
        ),
        Column::new(
            "networks",
            Codec::Texts(
                |client| client.profile.networks().iter().map(ToString::to_string).collect(),
                |client, texts| {
                    let networks = networks(texts)?;
                    if !networks.is_empty() {
                        change(client, |profile| profile.with_networks(networks));
                    }
                    Ok(())
                },
            ),
        ),
    ],
};

const ENABLED: Column<ClientFacts> = Column::new(
    "enabled",
    Codec::Flag(|client| client.enabled, |client, enabled| client.enabled = enabled),
);

fn change(client: &mut ClientFacts, change: impl FnOnce(ClientProfile) -> ClientProfile) {
    let profile = mem::replace(&mut client.profile, ClientProfile::new(""));
    client.profile = change(profile);
}
