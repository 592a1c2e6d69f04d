use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::SystemTime;
use std::{iter, mem};

use super::packed::{KeyMetadata, PackedKey};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId, PackedStatus};
use crate::manage::{ClientFacts, ClientQuery, KeyError, ManageError, Policy, nearest_client};
use crate::store::table::Row;

/// Data that changes of the store need, but lookups do not.
#[derive(Clone, Default)]
pub(in crate::store) struct ClientIndex {
    /// The profiles, sorted by name. Not a hash table, since growing one with ten million clients would block changes
    /// for seconds.
    pub(super) clients: BTreeSet<ByName>,
    /// The names of disabled clients.
    pub(super) disabled: BTreeSet<Box<str>>,
    /// The metadata of keys that have any.
    pub(super) metadata: BTreeMap<KeyId, Box<KeyMetadata>>,
    /// The digests of purged keys and of those of removed clients, which cannot be added again.
    pub(super) purged: HashSet<KeyDigest>,
    pub(super) policy: Policy,
    pub(super) clock: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
}

impl ClientIndex {
    /// Returns the profile that all keys of this client share: an existing equal one, or the new one.
    pub(super) fn shared_profile(&self, profile: ClientProfile) -> Result<ClientProfile, KeyError> {
        profile.validate()?;
        let profile = profile.into_client();
        match self.clients.get(profile.name()) {
            None => Ok(profile),
            Some(ByName(known)) if *known == profile => Ok(known.clone()),
            Some(_) => Err(KeyError::ProfileConflict { name: profile.name().to_owned() }),
        }
    }

    /// Adds a client unless it is known, and returns the profile that all its keys share.
    pub(super) fn add_shared(&mut self, profile: ClientProfile) -> Result<ClientProfile, KeyError> {
        profile.validate()?;
        let profile = profile.into_client();
        // A new client costs one search of the tree, as long as reading its key from a file.
        if self.clients.insert(ByName(profile.clone())) {
            return Ok(profile);
        }
        self.shared_profile(profile)
    }

    pub(super) fn client(&self, name: &str) -> Result<ClientFacts, ManageError> {
        let known = self.clients.get(name).map(|client| self.facts(&client.0));
        known.ok_or_else(|| ManageError::UnknownClient {
            nearest: nearest_client(name, self.profiles().map(ClientProfile::name)),
        })
    }

    pub(super) fn clients(&self) -> impl Iterator<Item = ClientFacts> {
        self.profiles().map(|profile| self.facts(profile))
    }

    /// Returns the clients of a page, and one more if there is another page.
    pub(super) fn page(&self, query: &ClientQuery) -> Result<Vec<ClientFacts>, ManageError> {
        let position = query.position()?;
        let after = position.as_ref().map(|after| &*after.name);
        let is_descending = query.paging.descending;
        let names = match after {
            None => (Unbounded, Unbounded),
            Some(after) if is_descending => (Unbounded, Excluded(after)),
            Some(after) => (Excluded(after), Unbounded),
        };
        let mut clients: Box<dyn DoubleEndedIterator<Item = _>> = match &query.only {
            None => Box::new(self.clients.range::<str, _>(names)),
            Some(only) => {
                let only = only.range::<str, _>(names);
                Box::new(only.filter_map(|name| self.clients.get(name.as_str())))
            }
        };
        let next = || if is_descending { clients.next_back() } else { clients.next() };
        let found = iter::from_fn(next).map(|client| self.facts(&client.0));
        let found = found.filter(|client| query.admits(&client.profile, client.enabled));
        Ok(found.take(query.paging.limit + 1).collect())
    }

    fn facts(&self, profile: &ClientProfile) -> ClientFacts {
        ClientFacts { profile: profile.clone(), enabled: self.is_enabled(profile.name()) }
    }

    pub(super) fn profiles(&self) -> impl Iterator<Item = &ClientProfile> {
        self.clients.iter().map(|client| &client.0)
    }

    /// Adds a client, or replaces its profile.
    pub(super) fn put(&mut self, profile: ClientProfile) {
        self.clients.replace(ByName(profile));
    }

    /// Adds a client, or replaces all of its facts.
    pub(super) fn put_client(&mut self, client: ClientFacts) {
        let ClientFacts { profile, enabled } = client;
        self.set_enabled(profile.name(), enabled);
        self.put(profile);
    }

    /// Rebuilds the tree from sorted names, which fills its nodes and saves eight bytes per client.
    pub(super) fn pack(&mut self) {
        self.clients = mem::take(&mut self.clients).into_iter().collect();
    }

    pub(super) fn remove(&mut self, name: &str) {
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

    /// Returns the facts of the key in a row of the table.
    pub(super) fn packed(&self, row: &Row, status: PackedStatus) -> PackedKey {
        let metadata = self.metadata.get(&row.digest.key_id());
        let metadata = metadata.map(|metadata| KeyMetadata::clone(metadata)).unwrap_or_default();
        PackedKey { row: row.clone(), status, metadata }
    }

    pub(super) fn set_metadata(&mut self, key_id: KeyId, metadata: KeyMetadata) {
        if metadata.is_empty() {
            self.metadata.remove(&key_id);
        } else {
            self.metadata.insert(key_id, Box::new(metadata));
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock())
    }
}

/// A profile, compared by name only.
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
