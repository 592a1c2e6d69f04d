//! Writes keys as a section of a key file.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::client::{ClientProfile, ProfileParts};
use crate::manage::{ClientFacts, Export, KeyFacts, Policy};
use crate::store::MemoryStore;

pub(super) struct Section {
    export: Export,
    policy: Policy,
}

impl Section {
    pub(super) fn of(keys: &MemoryStore) -> Self {
        Self { export: keys.export(), policy: keys.policy() }
    }
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys = BTreeMap::<&str, Vec<Key<'_>>>::new();
        for key in self.export.keys() {
            keys.entry(&key.client).or_default().push(Key(key));
        }
        let clients = self.export.clients().iter().map(|client| {
            let name = client.profile.name();
            (name, Client { client, keys: keys.remove(name).unwrap_or_default() })
        });
        let clients = clients.collect::<BTreeMap<_, _>>();
        let mut map = serializer.serialize_map(None)?;
        if self.policy != Policy::new() {
            map.serialize_entry("policy", &PolicyFields(self.policy))?;
        }
        map.serialize_entry("clients", &clients)?;
        map.end()
    }
}

struct PolicyFields(Policy);

impl Serialize for PolicyFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Policy { max_lifetime, default_lifetime, require_expiry } = self.0;
        let mut map = serializer.serialize_map(None)?;
        for (name, span) in [("max_lifetime", max_lifetime), ("default_lifetime", default_lifetime)]
        {
            if let Some(span) = span {
                map.serialize_entry(name, &span.to_string())?;
            }
        }
        map.serialize_entry("require_expiry", &require_expiry)?;
        map.end()
    }
}

struct Client<'a> {
    client: &'a ClientFacts,
    keys: Vec<Key<'a>>,
}

impl Serialize for Client<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ClientFacts { profile, enabled } = self.client;
        let ProfileParts { name: _, title, scopes, networks, quota, metadata } =
            ClientProfile::parts(profile);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("enabled", enabled)?;
        if let Some(title) = title {
            map.serialize_entry("title", title)?;
        }
        if !scopes.is_empty() {
            map.serialize_entry("scopes", scopes)?;
        }
        if !networks.is_empty() {
            map.serialize_entry("networks", networks)?;
        }
        if let Some(quota) = quota {
            map.serialize_entry("quota", quota)?;
        }
        if !metadata.is_empty() {
            map.serialize_entry("metadata", metadata)?;
        }
        map.serialize_entry("keys", &self.keys)?;
        map.end()
    }
}

struct Key<'a>(&'a KeyFacts);

impl Serialize for Key<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let KeyFacts {
            digest,
            client: _,
            label,
            scopes,
            networks,
            created,
            lifetime,
            revoked,
            replaced_by,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("digest", digest)?;
        if let Some(label) = label {
            map.serialize_entry("label", label)?;
        }
        if !scopes.is_empty() {
            map.serialize_entry("scopes", scopes)?;
        }
        if !networks.is_empty() {
            map.serialize_entry("networks", networks)?;
        }
        let times = [("created", *created), ("revoked", *revoked)];
        for (name, time) in times.into_iter().chain(lifetime.times()) {
            if let Some(time) = time {
                map.serialize_entry(name, &time)?;
            }
        }
        if let Some(successor) = replaced_by {
            map.serialize_entry("replaced_by", successor)?;
        }
        map.end()
    }
}
