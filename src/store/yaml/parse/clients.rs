use std::collections::BTreeMap;

use super::FileParser;
use super::fields::Fields;
use super::values::{quota, time_of};
use crate::client::{ClientProfile, ProfileError, Scope, label};
use crate::key::{KeyDigest, Lifetime, invisible, looks_like_key};
use crate::manage::{ClientFacts, KeyFacts};
use crate::store::memory::Bulk;
use crate::store::yaml::error::WarningKind;
use crate::store::yaml::events::Events;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::Node;
use crate::store::yaml::position::Position;
use crate::store::yaml::text::YamlTextKind;

#[derive(Clone, Copy)]
enum ClientField {
    Enabled,
    Scopes,
    Quota,
    Metadata,
    Keys,
}

const CLIENT: Fields<ClientField> = Fields {
    known: &[
        ("enabled", ClientField::Enabled),
        ("scopes", ClientField::Scopes),
        ("quota", ClientField::Quota),
        ("metadata", ClientField::Metadata),
        ("keys", ClientField::Keys),
    ],
    fallback: "keys",
    hint: "a client has `enabled`, `scopes`, `quota`, `metadata` and `keys`",
};

#[derive(Clone, Copy)]
enum KeyField {
    Digest,
    Label,
    Created,
    Expires,
    ReplacedBy,
    Revoked,
}

const KEY: Fields<KeyField> = Fields {
    known: &[
        ("digest", KeyField::Digest),
        ("label", KeyField::Label),
        ("created", KeyField::Created),
        ("expires", KeyField::Expires),
        ("replaced_by", KeyField::ReplacedBy),
        ("revoked", KeyField::Revoked),
    ],
    fallback: "digest",
    hint: "a key has `digest`, `label`, `created`, `expires`, `replaced_by` and `revoked`",
};

const CLIENTS_HINT: &str = "write each client as `NAME:`, with its fields indented below";

/// The clients in the field `clients`, by name.
#[derive(Default)]
pub(super) struct Clients(BTreeMap<Box<str>, (Position, ClientFacts)>);

impl Clients {
    pub(super) fn declare<P: Copy + Ord>(self, keys: &mut Bulk<P>) {
        self.0.into_values().for_each(|(_, client)| keys.declare(client));
    }
}

impl FileParser<'_> {
    pub(super) fn read_clients(
        &mut self,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        value.mapping("a mapping of client names", CLIENTS_HINT)?;
        while let Some((name, value)) = events.pair("the name of a client", CLIENTS_HINT)? {
            let depth = events.depth_before(&value);
            let result = self.read_client(name, &value, events);
            self.errors.collect(result)?;
            events.skip_to(depth)?;
        }
        Ok(())
    }

    fn read_client(
        &mut self,
        name: Node<'_>,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        let position = name.position;
        let name = name.text("the name of a client", CLIENTS_HINT)?;
        if let Some((first, ..)) = self.clients.0.get(&*name) {
            return Err(LoadErrorKind::SecondClient { first: first.line }.at(position));
        }
        let client_error = |error| LoadErrorKind::Client(error).at(position);
        label::check(&name).map_err(|error| client_error(ProfileError::Name(error)))?;
        self.show(YamlTextKind::ClientName, &name, position);
        self.warn_if_key("the name of this client", &name, position);
        // Declared early, so that an error in its fields does not cause others.
        let declared = (position, ClientFacts::new(&*name));
        self.clients.0.insert((&*name).into(), declared);
        if value.is_null() {
            return Ok(());
        }
        value.mapping("the fields of a client", CLIENTS_HINT)?;

        let mut profile = ClientProfile::new(&*name);
        let (mut enabled, mut seen) = (true, CLIENT.seen());
        while let Some((field, value)) = events.pair("the name of a field", CLIENT.hint)? {
            let depth = events.depth_before(&value);
            let result = seen.field(field).and_then(|field| match field {
                ClientField::Enabled => value.boolean().map(|value| enabled = value),
                ClientField::Scopes => scopes(&value, events)
                    .map(|scopes| profile = profile.clone().with_scopes(scopes)),
                ClientField::Quota => {
                    quota(value, events).map(|quota| profile = profile.clone().with_quota(quota))
                }
                ClientField::Metadata => self
                    .metadata(&value, events)
                    .map(|metadata| profile = profile.clone().with_metadata(metadata)),
                ClientField::Keys if value.is_null() => Ok(()),
                ClientField::Keys => self.read_client_keys(&profile, &value, events),
            });
            self.errors.collect(result)?;
            events.skip_to(depth)?;
        }
        profile.validate().map_err(client_error)?;
        self.clients.0.insert((&*name).into(), (position, ClientFacts { profile, enabled }));
        Ok(())
    }

    fn read_client_keys(
        &mut self,
        profile: &ClientProfile,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        value.sequence("a list of keys", "write each as `- digest: sha256:...`")?;
        while let Some(item) = events.entry()? {
            let depth = events.depth_before(&item);
            let result = self.read_client_key(profile, &item, events);
            self.errors.collect(result)?;
            events.skip_to(depth)?;
        }
        Ok(())
    }

    fn read_client_key(
        &mut self,
        profile: &ClientProfile,
        item: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        item.mapping("a key", "write it as `- digest: sha256:...`")?;
        let (mut digest, mut label, mut replaced) = (None, None, None);
        let (mut created, mut expires, mut revoked) = (None, None, None);
        let mut seen = KEY.seen();
        while let Some((field, value)) = events.pair("the name of a field", KEY.hint)? {
            let position = value.position;
            let depth = events.depth_before(&value);
            let result = seen.field(field).and_then(|field| {
                match field {
                    KeyField::Digest => {
                        // An invalid digest is not reported as missing, too.
                        digest = Some((None, position));
                        let text =
                            value.text("a digest", "write `sha256:` and 64 hexadecimal digits")?;
                        let parsed = text.parse::<KeyDigest>();
                        let parsed =
                            parsed.map_err(|error| LoadErrorKind::Digest(error).at(position))?;
                        digest = Some((Some(parsed), position));
                    }
                    KeyField::Label => {
                        let text =
                            value.text("a label", "write a short text, or remove the line")?;
                        label::check(&text)
                            .map_err(|error| LoadErrorKind::Label(error).at(position))?;
                        self.warn_if_key("this label", &text, position);
                        label = Some(text.to_owned());
                    }
                    KeyField::Created => created = Some(time_of(value)?),
                    KeyField::Expires => expires = Some(time_of(value)?),
                    KeyField::Revoked => revoked = Some(time_of(value)?),
                    KeyField::ReplacedBy => {
                        let text =
                            value.text("the id of a key", "write its 16 hexadecimal digits")?;
                        let id = text
                            .parse()
                            .map_err(|error| LoadErrorKind::KeyId(error).at(position))?;
                        replaced = Some((id, position));
                    }
                }
                Ok(())
            });
            self.errors.collect(result)?;
            events.skip_to(depth)?;
        }
        let (digest, position) = digest.ok_or_else(|| LoadErrorKind::NoDigest.at(item.position))?;
        let Some(digest) = digest else { return Ok(()) };
        if let (Some((id, position)), None) = (replaced, revoked) {
            self.successors.push((id, position));
            if expires.is_none() {
                self.warn(WarningKind::ReplacedWithoutExpiry, position);
            }
        }
        let client = profile.name().to_owned();
        let lifetime = Lifetime { expires };
        let replaced_by = replaced.map(|(id, _)| id);
        let key = KeyFacts { digest, client, label, created, lifetime, revoked, replaced_by };
        self.keys.push_facts(key, profile.clone(), position);
        Ok(())
    }

    /// Warns if a text that is shown to people looks like a key.
    fn warn_if_key(&mut self, what: &'static str, text: &str, position: Position) {
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
                return Err(LoadErrorKind::SecondName { first: first.line }.at(position));
            }
            let position = value.position;
            let value = value.text("a text", HINT)?;
            self.warn_if_key("this text in the metadata", &value, position);
            metadata.insert(name, value.to_owned());
        }
        Ok(metadata)
    }
}

fn scopes(value: &Node<'_>, events: &mut Events<'_>) -> Result<Vec<Scope>, LoadError> {
    value.sequence("a list of scopes", "write it as `[orders:read, stock:*]`")?;
    let mut scopes = Vec::new();
    while let Some(item) = events.entry()? {
        let position = item.position;
        let text = item.text("a scope", "write it as `orders:read`")?;
        scopes.push(text.parse().map_err(|error| LoadErrorKind::Scope(error).at(position))?);
    }
    Ok(scopes)
}
