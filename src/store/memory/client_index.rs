use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::SystemTime;

use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{KeyError, KeyMetadata, ManageError, nearest_client};

/// What changes of the store need, and requests do not.
#[derive(Clone, Default)]
pub(in crate::store) struct ClientIndex {
    /// The profiles, in the order of their names. A tree and not a hash table: growing one of those
    /// at ten million clients stops every change for seconds.
    pub(super) clients: BTreeSet<ByName>,
    /// The names of the disabled clients, which are few.
    pub(super) disabled: BTreeSet<Box<str>>,
    /// Only of keys of which there is something to note.
    pub(super) notes: BTreeMap<KeyId, Box<KeyMetadata>>,
    pub(super) clock: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
}

impl ClientIndex {
    /// The profile that all keys of this client share: the one that is there, or the new one.
    pub(super) fn shared_profile(&self, profile: ClientProfile) -> Result<ClientProfile, KeyError> {
        profile.validate()?;
        match self.clients.get(profile.name()) {
            None => Ok(profile),
            Some(ByName(known)) if *known == profile => Ok(known.clone()),
            Some(_) => Err(KeyError::ProfileConflict { name: profile.name().to_owned() }),
        }
    }

    pub(super) fn profile(&self, name: &str) -> Result<&ClientProfile, ManageError> {
        let known = self.clients.get(name).map(|client| &client.0);
        known.ok_or_else(|| ManageError::UnknownClient {
            nearest: nearest_client(name, self.profiles().map(ClientProfile::name)),
        })
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.clients.contains(name)
    }

    pub(super) fn profiles(&self) -> impl Iterator<Item = &ClientProfile> {
        self.clients.iter().map(|client| &client.0)
    }

    pub(super) fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// Adds a client, or takes this profile in the place of its former one.
    pub(super) fn put(&mut self, profile: ClientProfile) {
        self.clients.replace(ByName(profile));
    }

    /// Rebuilds the tree: one that grew name by name is two thirds full, one made of sorted names
    /// is full, which saves eight bytes a client.
    pub(super) fn pack(&mut self) {
        self.clients = mem::take(&mut self.clients).into_iter().collect();
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.clients.remove(name);
        self.disabled.remove(name);
    }

    pub(super) fn is_enabled(&self, name: &str) -> bool {
        !self.disabled.contains(name)
    }

    pub(super) fn set_enabled(&mut self, name: &str, enabled: bool) {
        if enabled {
            self.disabled.remove(name);
        } else {
            self.disabled.insert(name.into());
        }
    }

    pub(super) fn notes(&self, key_id: KeyId) -> KeyMetadata {
        self.notes.get(&key_id).map(|notes| KeyMetadata::clone(notes)).unwrap_or_default()
    }

    pub(super) fn note(&mut self, key_id: KeyId, notes: KeyMetadata) {
        if notes.is_empty() {
            self.notes.remove(&key_id);
        } else {
            self.notes.insert(key_id, Box::new(notes));
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock())
    }
}

/// A profile that compares by its name alone.
#[derive(Clone)]
pub(super) struct ByName(ClientProfile);

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        self.0.name()
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for ByName {}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name().cmp(other.0.name())
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
