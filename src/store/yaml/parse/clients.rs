use std::collections::BTreeMap;
use std::{mem, slice};

use super::FileParser;
use super::fields::Fields;
use super::values::{networks, quota, scopes};
use crate::client::{ClientProfile, ProfileError, label};
use crate::key::{invisible, looks_like_key};
use crate::manage::{ClientFacts, rules};
use crate::store::yaml::error::WarningKind;
use crate::store::yaml::events::Events;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind, Repeated};
use crate::store::yaml::node::Node;
use crate::store::yaml::position::Position;
use crate::store::yaml::text::YamlTextKind;

#[derive(Clone, Copy)]
pub(super) enum ClientField {
    Title,
    Enabled,
    Scopes,
    Networks,
    Quota,
    Metadata,
    Keys,
}

pub(super) const CLIENT: Fields<ClientField> = Fields {
    known: &[
        ("title", ClientField::Title),
        ("enabled", ClientField::Enabled),
        ("scopes", ClientField::Scopes),
        ("networks", ClientField::Networks),
        ("quota", ClientField::Quota),
        ("metadata", ClientField::Metadata),
        ("keys", ClientField::Keys),
    ],
    fallback: "keys",
    hint: "a client has `title`, `enabled`, `scopes`, `networks`, `quota`, `metadata` and `keys`",
};

const CLIENTS_HINT: &str = "write each client as `NAME:`, with its fields indented below";

impl FileParser<'_> {
    pub(super) fn read_clients(
        &mut self,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        value.mapping("a mapping of client names", CLIENTS_HINT)?;
        self.read_pairs(
            events,
            "the name of a client",
            CLIENTS_HINT,
            |file, name, value, events| file.read_client(name, &value, events),
        )
    }

    fn read_client(
        &mut self,
        name: Node<'_>,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        let position = name.position;
        let name = name.text("the name of a client", CLIENTS_HINT)?;
        if let Some((first, ..)) = self.clients.get(&*name) {
            return Err(LoadErrorKind::Repeated { what: Repeated::Client, first: (*first).into() }
                .at(position));
        }
        let client_error = |error| LoadErrorKind::Client(error).at(position);
        label::check(&name).map_err(|error| client_error(ProfileError::Name(error)))?;
        self.show(YamlTextKind::ClientName, &name, position);
        self.warn_if_key("the name of this client", &name, position);
        // Declared early, so that an error in its fields does not cause others.
        let declared = (position, ClientFacts::new(&*name));
        self.clients.insert((&*name).into(), declared);
        if value.is_null() {
            return Ok(());
        }
        value.mapping("the fields of a client", CLIENTS_HINT)?;

        let mut profile = ClientProfile::new(&*name);
        let (mut enabled, mut seen) = (true, CLIENT.seen());
        self.read_pairs(
            events,
            "the name of a field",
            CLIENT.hint,
            |file, field, value, events| {
                match seen.field(field)? {
                    ClientField::Title => profile = profile.clone().with_title(file.title(value)?),
                    ClientField::Enabled => enabled = value.boolean()?,
                    ClientField::Scopes => {
                        let scopes = scopes(&value, events)?.into_iter().map(|(scope, _)| scope);
                        profile = profile.clone().with_scopes(scopes);
                    }
                    ClientField::Networks => {
                        let networks = networks(&value, events)?.into_iter();
                        profile =
                            profile.clone().with_networks(networks.map(|(network, _)| network));
                    }
                    ClientField::Quota => {
                        profile = profile.clone().with_quota(quota(value, events)?);
                    }
                    ClientField::Metadata => {
                        profile = profile.clone().with_metadata(file.metadata(&value, events)?);
                    }
                    ClientField::Keys if value.is_null() => {}
                    ClientField::Keys => file.read_client_keys(&profile, &value, events)?,
                }
                Ok(())
            },
        )?;
        profile.validate().map_err(client_error)?;
        // The keys may come before the scopes.
        for (scope, position) in mem::take(&mut self.key_scopes) {
            if rules::lacked_scope(&profile, slice::from_ref(&scope)).is_some() {
                self.warn(WarningKind::LackedScope, position);
            }
        }
        for (network, position) in mem::take(&mut self.key_networks) {
            if rules::lacked_network(&profile, &[network]).is_some() {
                self.warn(WarningKind::LackedNetwork, position);
            }
        }
        self.clients.insert((&*name).into(), (position, ClientFacts { profile, enabled }));
        Ok(())
    }

    fn title(&mut self, value: Node<'_>) -> Result<String, LoadError> {
        let position = value.position;
        let text = value.text("a title", "write a short text, or remove the line")?;
        label::check(&text)
            .map_err(|error| LoadErrorKind::Client(ProfileError::Title(error)).at(position))?;
        self.warn_if_key("this title", &text, position);
        Ok(text.to_owned())
    }

    /// Warns if a text that is shown to people looks like a key.
    pub(super) fn warn_if_key(&mut self, what: &'static str, text: &str, position: Position) {
        if looks_like_key(text) {
            self.warn(WarningKind::TextLikeKey { what }, position);
        }
    }

    fn metadata(
        &mut self,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<BTreeMap<String, String>, LoadError> {
        const HINT: &str = "write it as `{team: billing}`, an empty text as `''`";
        value.mapping("a mapping of texts", HINT)?;
        let mut metadata = BTreeMap::new();
        let mut positions = BTreeMap::new();
        while let Some((name, value)) = events.pair("a text", HINT)? {
            let position = name.position;
            let name = name.text("a text", HINT)?.to_owned();
            if let Some(found) = invisible::in_name(&name) {
                return Err(
                    LoadErrorKind::Client(ProfileError::MetadataInvisible(found)).at(position)
                );
            }
            self.warn_if_key("this name in the metadata", &name, position);
            if let Some(first) = positions.insert(name.clone(), position) {
                return Err(LoadErrorKind::Repeated { what: Repeated::Name, first: first.into() }
                    .at(position));
            }
            let position = value.position;
            let value = value.text("a text", HINT)?;
            self.warn_if_key("this text in the metadata", &value, position);
            metadata.insert(name, value.to_owned());
        }
        Ok(metadata)
    }
}
