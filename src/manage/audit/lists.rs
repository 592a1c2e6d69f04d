use std::collections::HashMap;
use std::time::SystemTime;

use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{ClientInfo, KeyInfo};

/// The lists of an audit, by name and by id.
pub(super) struct Lists<'a> {
    clients: HashMap<&'a str, &'a ClientProfile>,
    keys: HashMap<KeyId, &'a KeyInfo>,
}

impl<'a> Lists<'a> {
    pub(super) fn new(clients: &'a [ClientInfo], keys: &'a [KeyInfo]) -> Self {
        let clients = clients.iter().map(|client| (client.profile.name(), &client.profile));
        let keys = keys.iter().map(|key| (key.key_id, key));
        Self { clients: clients.collect(), keys: keys.collect() }
    }

    pub(super) fn key(&self, key_id: KeyId) -> Option<&'a KeyInfo> {
        self.keys.get(&key_id).copied()
    }

    /// Returns whether the key can be used from anywhere at this time.
    pub(super) fn works(&self, key: &KeyInfo, now: SystemTime) -> bool {
        key.is_live(now) && !self.is_nowhere(key)
    }

    /// Returns whether the client of the key has lost the networks of the key.
    pub(super) fn is_nowhere(&self, key: &KeyInfo) -> bool {
        self.clients.get(&*key.client).is_some_and(|client| is_nowhere(key, client))
    }
}

/// Returns whether the key may be used from nowhere.
pub(super) fn is_nowhere(key: &KeyInfo, client: &ClientProfile) -> bool {
    key.allowed_networks(client).is_some_and(|networks| networks.is_empty())
}
