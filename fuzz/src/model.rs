//! The clients and keys of a store as two plain lists, and changes to them.

use std::time::{Duration, SystemTime};

use keygate::key::KeyState;
use keygate::manage::{ClientInfo, KeyInfo};
use keygate::{KeyDigest, KeyId, KeyRecord};

/// The time for which the old key of a rotation still works.
pub(crate) const GRACE: Duration = Duration::from_secs(36 * 3_600);
/// The time for which a new key works.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60 * 3_600);

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add(String),
    Enable(String),
    Disable(String),
    Remove(String),
    Issue { client: String, digest: KeyDigest, label: Option<&'static str> },
    Revoke(KeyId),
    Rotate { old: KeyId, digest: KeyDigest, label: Option<&'static str> },
    Hash,
}

#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) clients: Vec<ClientInfo>,
    pub(crate) keys: Vec<KeyInfo>,
}

impl Model {
    pub(crate) fn new(clients: Vec<ClientInfo>, keys: Vec<KeyInfo>) -> Self {
        Self { clients, keys }
    }

    /// The model after a change, or the rule that forbids it.
    pub(crate) fn apply(&self, change: &Change, now: SystemTime) -> Result<Self, &'static str> {
        let mut changed = self.clone();
        match change {
            Change::Add(name) => {
                if self.clients.iter().any(|client| client.profile.name() == name) {
                    return Err("the client exists already");
                }
                changed.clients.push(ClientInfo::new(&**name));
            }
            Change::Enable(name) => changed.client(name).enabled = true,
            Change::Disable(name) => changed.client(name).enabled = false,
            Change::Remove(name) => {
                if changed.client(name).enabled {
                    return Err("the client is enabled");
                }
                changed.clients.retain(|client| client.profile.name() != name);
                changed.keys.retain(|key| key.client != *name);
            }
            Change::Issue { client, digest, label } => {
                changed.keys.push(new_key(client, *digest, label.map(str::to_owned), now));
            }
            Change::Revoke(id) => {
                let key = changed.key(*id);
                if key.state != KeyState::Revoked {
                    key.state = KeyState::Revoked;
                    key.revoked = Some(now);
                }
            }
            Change::Rotate { old, digest, label } => {
                let key = changed.key(*old);
                if key.state == KeyState::Revoked
                    || key.has_expired(now)
                    || key.replaced_by.is_some()
                {
                    return Err("the key was revoked, has expired or is being replaced");
                }
                let end = now + GRACE;
                let end = key.expires().map_or(end, |expires| expires.min(end));
                key.lifetime = key.lifetime.with_expiry(end);
                key.replaced_by = Some(id_of(*digest));
                let label = label.map(str::to_owned).or_else(|| key.label.clone());
                let client = key.client.clone();
                changed.keys.push(new_key(&client, *digest, label, now));
            }
            Change::Hash => {}
        }
        Ok(changed)
    }

    /// # Panics
    ///
    /// The lists differ from the model.
    pub(crate) fn assert_is(
        &self,
        clients: Vec<ClientInfo>,
        keys: Vec<KeyInfo>,
        what: impl Fn() -> String,
    ) {
        let mut expected = self.clone();
        for client in &mut expected.clients {
            let is_live = |key: &&KeyInfo| {
                key.state != KeyState::Revoked && key.client == client.profile.name()
            };
            client.keys = self.keys.iter().filter(is_live).count();
            for key in expected.keys.iter_mut().filter(|key| key.client == client.profile.name()) {
                if key.state != KeyState::Revoked {
                    key.state = if client.enabled { KeyState::Active } else { KeyState::Disabled };
                }
            }
        }
        let (expected, found) = (expected.sorted(), Self::new(clients, keys).sorted());
        assert_eq!(found.clients, expected.clients, "{}", what());
        assert_eq!(found.keys, expected.keys, "{}", what());
    }

    fn sorted(mut self) -> Self {
        self.clients.sort_by(|one, other| one.profile.name().cmp(other.profile.name()));
        self.keys.sort_by_key(|key| key.key_id.to_string());
        self
    }

    fn client(&mut self, name: &str) -> &mut ClientInfo {
        let found = self.clients.iter_mut().find(|client| client.profile.name() == name);
        found.expect("changes name clients of the model")
    }

    fn key(&mut self, id: KeyId) -> &mut KeyInfo {
        self.keys.iter_mut().find(|key| key.key_id == id).expect("changes name keys of the model")
    }
}

fn new_key(client: &str, digest: KeyDigest, label: Option<String>, now: SystemTime) -> KeyInfo {
    let mut key = KeyInfo::new(id_of(digest), client);
    key.label = label;
    key.created = Some(now);
    key.lifetime = key.lifetime.with_expiry(now + LIFETIME);
    key
}

fn id_of(digest: KeyDigest) -> KeyId {
    KeyRecord::new(digest, "User 1").key_id()
}
