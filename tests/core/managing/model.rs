//! A simple model of managing: a list of clients and a list of keys, changed by the rules of managing. It searches all
//! keys for every question.

use std::mem;
use std::time::{Duration, SystemTime};

use keygate::manage::{
    ClientChange, ClientFacts, ClientInfo, KeyChange, KeyError, KeyFacts, KeyInfo, ManageError,
    Policy, PolicyChange, PurgeKeys, Rotated, rules,
};
use keygate::{ClientProfile, KeyDigest, KeyId, KeyRecord, NewKey};

/// A change with its arguments.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add(ClientProfile),
    UpdateClient(String, ClientChange),
    Enable(String),
    Disable(String),
    Remove(String),
    Issue(String, NewKey),
    UpdateKey(KeyId, KeyChange),
    Revoke(KeyId),
    Rotate(KeyId, NewKey, Duration),
    Purge(PurgeKeys),
    Policy(PolicyChange),
}

/// The result of a change.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Few of them exist at once.
pub(crate) enum Changed {
    Client(ClientInfo),
    Key(KeyInfo),
    Rotated(Rotated),
    Purged(Vec<KeyInfo>),
    Policy(Policy),
}

/// Clients are in no particular order; keys are in the order of their creation.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) policy: Policy,
    pub(crate) clients: Vec<ClientFacts>,
    pub(crate) keys: Vec<KeyFacts>,
    /// Includes the keys of removed clients.
    pub(crate) purged: Vec<KeyDigest>,
}

impl Model {
    pub(crate) fn make(&mut self, change: Change, now: SystemTime) -> Result<Changed, ManageError> {
        match change {
            Change::Add(profile) => self.add(profile),
            Change::UpdateClient(name, change) => self.update_client(&name, change),
            Change::Enable(name) => self.switch(&name, true),
            Change::Disable(name) => self.switch(&name, false),
            Change::Remove(name) => self.remove(&name),
            Change::Issue(name, new) => self.issue(&name, new, now),
            Change::UpdateKey(id, change) => self.update_key(id, change, now),
            Change::Revoke(id) => self.revoke(id, now),
            Change::Rotate(id, new, grace) => self.rotate(id, new, grace, now),
            Change::Purge(purge) => Ok(self.purge(&purge, now)),
            Change::Policy(change) => self.update_policy(change),
        }
    }

    pub(crate) fn list_clients(&self) -> Vec<ClientInfo> {
        let mut clients: Vec<_> = self.clients.iter().map(|client| self.counted(client)).collect();
        clients.sort_by(|one, other| one.profile.name().cmp(other.profile.name()));
        clients
    }

    pub(crate) fn list_keys(&self, client: Option<&str>) -> Result<Vec<KeyInfo>, ManageError> {
        client.map(|name| self.client(name)).transpose()?;
        let is_meant = |key: &&KeyFacts| client.is_none_or(|name| key.client == name);
        let mut keys: Vec<_> =
            self.keys.iter().filter(is_meant).map(|key| self.info(key)).collect();
        sort(&mut keys);
        Ok(keys)
    }

    pub(crate) fn find(&self, digest: KeyDigest) -> Option<KeyRecord> {
        let key = self.keys.iter().find(|key| key.digest == digest)?;
        let client = &self.clients[self.client(&key.client).ok()?];
        let record = KeyRecord::new(digest, &client.profile)
            .with_lifetime(key.lifetime)
            .with_scopes(key.scopes.clone())
            .with_networks(key.networks.clone());
        let record = record.with_replaced(key.replaced_by.is_some());
        Some(record.with_state(key.state(client.enabled)))
    }

    fn add(&mut self, profile: ClientProfile) -> Result<Changed, ManageError> {
        let client = rules::add(profile)?;
        if self.client(client.profile.name()).is_ok() {
            return Err(ManageError::ClientExists { name: client.profile.name().to_owned() });
        }
        self.clients.push(client.clone());
        Ok(Changed::Client(client.info(0)))
    }

    fn update_client(&mut self, name: &str, change: ClientChange) -> Result<Changed, ManageError> {
        let index = self.client(name)?;
        self.clients[index] = rules::update_client(&self.clients[index], change)?;
        Ok(Changed::Client(self.counted(&self.clients[index])))
    }

    fn update_key(
        &mut self,
        id: KeyId,
        change: KeyChange,
        now: SystemTime,
    ) -> Result<Changed, ManageError> {
        let index = self.key(id)?;
        let client = self.client(&self.keys[index].client)?;
        let (profile, policy) = (&self.clients[client].profile, &self.policy);
        self.keys[index] = rules::update_key(profile, &self.keys[index], change, policy, now)?;
        Ok(Changed::Key(self.info(&self.keys[index])))
    }

    fn switch(&mut self, name: &str, enabled: bool) -> Result<Changed, ManageError> {
        let index = self.client(name)?;
        self.clients[index].enabled = enabled;
        Ok(Changed::Client(self.counted(&self.clients[index])))
    }

    fn remove(&mut self, name: &str) -> Result<Changed, ManageError> {
        let index = self.client(name)?;
        rules::remove(&self.clients[index])?;
        let removed = self.counted(&self.clients[index]);
        let keys = mem::take(&mut self.keys).into_iter();
        let (ended, kept) = keys.partition::<Vec<_>, _>(|key| key.client == name);
        self.purged.extend(ended.iter().map(|key| key.digest));
        self.keys = kept;
        self.clients.remove(index);
        Ok(Changed::Client(removed))
    }

    fn issue(&mut self, name: &str, new: NewKey, now: SystemTime) -> Result<Changed, ManageError> {
        let index = self.client(name)?;
        let new = rules::issue(&self.clients[index].profile, new, &self.policy, now)?;
        self.push(new.clone())?;
        Ok(Changed::Key(self.info(&new)))
    }

    fn revoke(&mut self, id: KeyId, now: SystemTime) -> Result<Changed, ManageError> {
        let index = self.key(id)?;
        rules::revoke(&mut self.keys[index], now);
        Ok(Changed::Key(self.info(&self.keys[index])))
    }

    fn rotate(
        &mut self,
        id: KeyId,
        new: NewKey,
        grace: Duration,
        now: SystemTime,
    ) -> Result<Changed, ManageError> {
        let index = self.key(id)?;
        let client = self.client(&self.keys[index].client)?;
        let (profile, policy) = (&self.clients[client].profile, &self.policy);
        let (old, new) = rules::rotate(profile, &self.keys[index], new, grace, policy, now)?;
        self.push(new.clone())?;
        self.keys[index] = old.clone();
        Ok(Changed::Rotated(Rotated::new(self.info(&old), self.info(&new))))
    }

    fn purge(&mut self, purge: &PurgeKeys, now: SystemTime) -> Changed {
        let purged = rules::purge(self.keys.clone(), purge, now);
        let mut removed = purged.removed.iter().map(|key| self.info(key)).collect::<Vec<_>>();
        sort(&mut removed);
        if !purge.is_dry_run() {
            self.purged.extend(purged.removed.iter().map(|key| key.digest));
            self.keys.retain(|key| !purged.removed.contains(key));
            for new in purged.changed {
                let old = self.keys.iter_mut().find(|key| key.digest == new.digest);
                *old.expect("the key is kept") = new;
            }
        }
        Changed::Purged(removed)
    }

    fn update_policy(&mut self, change: PolicyChange) -> Result<Changed, ManageError> {
        self.policy = rules::update_policy(&self.policy, change)?;
        Ok(Changed::Policy(self.policy))
    }

    fn push(&mut self, new: KeyFacts) -> Result<(), ManageError> {
        if self.purged.contains(&new.digest) {
            return Err(KeyError::Purged { key_id: new.key_id() }.into());
        }
        if let Some(known) = self.keys.iter().find(|key| key.key_id() == new.key_id()) {
            return Err(rules::duplicate(known, new.digest).into());
        }
        self.keys.push(new);
        Ok(())
    }

    fn client(&self, name: &str) -> Result<usize, ManageError> {
        let found = self.clients.iter().position(|client| client.profile.name() == name);
        found.ok_or_else(|| {
            let mut names: Vec<_> = self.clients.iter().map(|it| it.profile.name()).collect();
            names.sort_unstable();
            let unlike = |it: &&str| strsim::osa_distance(&it.to_lowercase(), &name.to_lowercase());
            ManageError::UnknownClient {
                nearest: names.into_iter().min_by_key(unlike).map(str::to_owned),
            }
        })
    }

    fn key(&self, key_id: KeyId) -> Result<usize, ManageError> {
        let found = self.keys.iter().position(|key| key.key_id() == key_id);
        found.ok_or_else(|| {
            let unlike = |other: KeyId| {
                let (one, other) = (key_id.to_string(), other.to_string());
                one.chars().zip(other.chars()).filter(|(one, other)| one != other).count()
            };
            let ids = self.keys.iter().map(|key| (unlike(key.key_id()), key.key_id()));
            let nearest = ids.min().filter(|(unlike, _)| *unlike < 8).map(|(_, id)| id);
            ManageError::UnknownKey { key_id, nearest }
        })
    }

    fn counted(&self, client: &ClientFacts) -> ClientInfo {
        let is_counted =
            |key: &&KeyFacts| key.client == client.profile.name() && key.revoked.is_none();
        client.clone().info(self.keys.iter().filter(is_counted).count())
    }

    fn info(&self, key: &KeyFacts) -> KeyInfo {
        let client = self.clients.iter().find(|client| client.profile.name() == key.client);
        key.clone().info(client.is_none_or(|client| client.enabled))
    }
}

/// By client, time of issue and id.
fn sort(keys: &mut [KeyInfo]) {
    keys.sort_by(|one, other| {
        let of = |key: &KeyInfo| (key.created, key.key_id);
        one.client.cmp(&other.client).then_with(|| of(one).cmp(&of(other)))
    });
}
