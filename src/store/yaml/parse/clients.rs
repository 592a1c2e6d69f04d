use std::collections::BTreeMap;

use super::File;
use super::fields::Fields;
use super::values::{quota, time_of};
use crate::client::{ClientProfile, ProfileError, Scope, label};
use crate::key::{KeyDigest, KeyState, invisible, looks_like_key};
use crate::manage::KeyMetadata;
use crate::store::KeyRecord;
use crate::store::memory::Bulk;
use crate::store::yaml::error::{WarningKind, YamlWarning};
use crate::store::yaml::events::{Events, Node};
use crate::store::yaml::fault::{Fault, FaultKind, Position};
use crate::store::yaml::text::YamlTextKind;

const CLIENT: Fields = Fields {
    known: &["enabled", "scopes", "quota", "metadata", "keys"],
    most: "keys",
    way_out: "a client has `enabled`, `scopes`, `quota`, `metadata` and `keys`",
};

const KEY: Fields = Fields {
    known: &["digest", "label", "created", "expires", "replaced_by", "revoked"],
    most: "digest",
    way_out: "a key has `digest`, `label`, `created`, `expires`, `replaced_by` and `revoked`",
};

const ALL: &str = "write each client as `NAME:`, and what there is to say of it indented below";

/// The clients of `clients:`, by their names.
#[derive(Default)]
pub(super) struct Clients(BTreeMap<Box<str>, (Position, ClientProfile, bool)>);

impl Clients {
    pub(super) fn declare<P: Copy + Ord>(self, keys: &mut Bulk<P>) {
        for (_, profile, enabled) in self.0.into_values() {
            keys.declare(profile, enabled);
        }
    }
}

impl File<'_> {
    pub(super) fn read_clients(
        &mut self,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), Fault> {
        value.mapping("a mapping of client names", ALL)?;
        while let Some((name, value)) = events.pair("the name of a client", ALL)? {
            let depth = events.depth_before(&value);
            let result = self.read_client(name, &value, events);
            self.faults.take(result)?;
            events.leave(depth)?;
        }
        Ok(())
    }

    fn read_client(
        &mut self,
        name: Node<'_>,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), Fault> {
        let place = name.place;
        let name = name.text("the name of a client", ALL)?;
        if let Some((first, ..)) = self.clients.0.get(&*name) {
            return Err(FaultKind::SecondClient { first: first.line }.at(place));
        }
        let client = |error| FaultKind::Client(error).at(place);
        label::check(&name).map_err(|error| client(ProfileError::from(error)))?;
        self.show(YamlTextKind::ClientName, &name, place);
        self.look_for_key("the name of this client", &name, place);
        // Known from here on, so that a fault further down does not make others.
        let declared = (place, ClientProfile::new(&*name), true);
        self.clients.0.insert((&*name).into(), declared);
        if value.is_null() {
            return Ok(());
        }
        value.mapping("what there is to say of a client", ALL)?;

        let mut profile = ClientProfile::new(&*name);
        let (mut enabled, mut seen) = (true, CLIENT.seen());
        while let Some((field, value)) = events.pair("the name of a field", CLIENT.way_out)? {
            let depth = events.depth_before(&value);
            let result = seen.name(field).and_then(|field| match field {
                "enabled" => value.boolean().map(|answer| enabled = answer),
                "scopes" => scopes(&value, events)
                    .map(|scopes| profile = profile.clone().with_scopes(scopes)),
                "quota" => {
                    quota(value, events).map(|quota| profile = profile.clone().with_quota(quota))
                }
                "metadata" => self
                    .metadata(&value, events)
                    .map(|metadata| profile = profile.clone().with_metadata(metadata)),
                _ if value.is_null() => Ok(()),
                _ => self.read_client_keys(&profile, &value, events),
            });
            self.faults.take(result)?;
            events.leave(depth)?;
        }
        profile.validate().map_err(client)?;
        self.clients.0.insert((&*name).into(), (place, profile, enabled));
        Ok(())
    }

    fn read_client_keys(
        &mut self,
        profile: &ClientProfile,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), Fault> {
        value.sequence("a list of keys", "write each as `- digest: sha256:...`")?;
        while let Some(item) = events.entry()? {
            let depth = events.depth_before(&item);
            let result = self.read_client_key(profile, &item, events);
            self.faults.take(result)?;
            events.leave(depth)?;
        }
        Ok(())
    }

    fn read_client_key(
        &mut self,
        profile: &ClientProfile,
        item: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), Fault> {
        item.mapping("a key", "write it as `- digest: sha256:...`")?;
        let (mut digest, mut expires, mut replaced) = (None, None, None);
        let (mut notes, mut seen) = (KeyMetadata::default(), KEY.seen());
        while let Some((field, value)) = events.pair("the name of a field", KEY.way_out)? {
            let place = value.place;
            let depth = events.depth_before(&value);
            let result = seen.name(field).and_then(|field| {
                match field {
                    "digest" => {
                        // Also where it is none, so that it is not missed besides.
                        digest = Some((None, place));
                        let text =
                            value.text("a digest", "write `sha256:` and 64 hexadecimal digits")?;
                        let parsed = text.parse::<KeyDigest>();
                        let parsed = parsed.map_err(|error| FaultKind::Digest(error).at(place))?;
                        digest = Some((Some(parsed), place));
                    }
                    "label" => {
                        let text =
                            value.text("a label", "write a short text, or remove the line")?;
                        label::check(&text).map_err(|error| FaultKind::Label(error).at(place))?;
                        self.look_for_key("this label", &text, place);
                        notes.label = Some((&*text).into());
                    }
                    "created" => notes.created = Some(time_of(value)?),
                    "expires" => expires = Some(time_of(value)?),
                    "revoked" => notes.revoked = Some(time_of(value)?),
                    _ => {
                        let text =
                            value.text("the id of a key", "write its 16 hexadecimal digits")?;
                        let id = text.parse().map_err(|error| FaultKind::KeyId(error).at(place))?;
                        notes.replaced_by = Some(id);
                        replaced = Some((id, place));
                    }
                }
                Ok(())
            });
            self.faults.take(result)?;
            events.leave(depth)?;
        }
        let (digest, place) = digest.ok_or_else(|| FaultKind::NoDigest.at(item.place))?;
        let Some(digest) = digest else { return Ok(()) };
        let state = if notes.revoked.is_some() { KeyState::Revoked } else { KeyState::Active };
        let record = KeyRecord::new(digest, profile).with_expiry(expires).with_state(state);
        if let (Some((id, place)), KeyState::Active) = (replaced, state) {
            self.successors.push((id, place));
            if expires.is_none() {
                self.warnings.push(YamlWarning::new(WarningKind::ReplacedForEver, Some(place)));
            }
        }
        self.keys.push_noted(record, notes, place);
        Ok(())
    }

    /// Warns of a key that stands where a text comes that is shown.
    fn look_for_key(&mut self, what: &'static str, text: &str, place: Position) {
        if looks_like_key(text) {
            self.warn(WarningKind::TextLikeKey { what }, place);
        }
    }

    fn metadata(
        &mut self,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<BTreeMap<String, String>, Fault> {
        const WAY_OUT: &str = "write it as `{team: billing}`, an empty text as `''`";
        value.mapping("a mapping of texts", WAY_OUT)?;
        let mut metadata = BTreeMap::new();
        let mut places = BTreeMap::new();
        while let Some((name, value)) = events.pair("a text", WAY_OUT)? {
            let place = name.place;
            let name = name.text("a text", WAY_OUT)?.to_owned();
            if let Some(found) = invisible::in_name(&name) {
                return Err(FaultKind::Client(ProfileError::MetadataInvisible(found)).at(place));
            }
            self.look_for_key("this name in the metadata", &name, place);
            if let Some(first) = places.insert(name.clone(), place) {
                return Err(FaultKind::SecondName { first: first.line }.at(place));
            }
            let place = value.place;
            let value = value.text("a text", WAY_OUT)?;
            self.look_for_key("this text in the metadata", &value, place);
            metadata.insert(name, value.to_owned());
        }
        Ok(metadata)
    }
}

fn scopes(value: &Node<'_>, events: &mut Events<'_>) -> Result<Vec<Scope>, Fault> {
    value.sequence("a list of scopes", "write it as `[orders:read, stock:*]`")?;
    let mut scopes = Vec::new();
    while let Some(item) = events.entry()? {
        let place = item.place;
        let text = item.text("a scope", "write it as `orders:read`")?;
        scopes.push(text.parse().map_err(|error| FaultKind::Scope(error).at(place))?);
    }
    Ok(scopes)
}
