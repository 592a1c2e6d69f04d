use crate::client::{ClientProfile, sorted};
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
                    if !texts.is_empty() {
                        let scopes = sorted(scopes(texts)?);
                        client.profile.edit(|details| details.scopes = scopes.into());
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
                        client.profile.edit(|details| details.quota = Some(quota));
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
                        client.profile.edit(|details| details.metadata = metadata);
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
                        client.profile.edit(|details| details.title = Some(text.into()));
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
                    if !texts.is_empty() {
                        let networks = sorted(networks(texts)?);
                        client.profile.edit(|details| details.networks = networks.into());
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
