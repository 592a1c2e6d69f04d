//! What managing means, said as simply as it can be: a list of clients, a list of keys, and one rule
//! after the other. It looks at every key for every question.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::client::{LabelError, ProfileError};
use keygate::key::KeyState;
use keygate::manage::{
    ClientInfo, Expiry, KeyError, KeyInfo, ManageError, Rotated, RotationConflict,
};
use keygate::{ClientProfile, KeyDigest, KeyId, KeyRecord, NewKey};

/// A change with its arguments.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add(ClientProfile),
    Enable(String),
    Disable(String),
    Remove(String),
    Issue(String, NewKey),
    Revoke(KeyId),
    Rotate(KeyId, NewKey, Duration),
}

/// The result of a change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Changed {
    Client(ClientInfo),
    Key(KeyInfo),
    Rotated(Rotated),
}

/// A key as it is listed, whatever the state of its client, and its digest.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) digest: KeyDigest,
    pub(crate) info: KeyInfo,
}

/// Clients are in no order, keys in that of their creation. `ClientInfo::keys` is not kept here.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) clients: Vec<ClientInfo>,
    pub(crate) keys: Vec<Key>,
}

impl Model {
    pub(crate) fn make(&mut self, change: Change, now: SystemTime) -> Result<Changed, ManageError> {
        match change {
            Change::Add(profile) => self.add(profile),
            Change::Enable(name) => self.switch(&name, true),
            Change::Disable(name) => self.switch(&name, false),
            Change::Remove(name) => self.remove(&name),
            Change::Issue(name, new) => {
                let index = self.file(&name, &new, now)?;
                Ok(Changed::Key(self.effective(&self.keys[index])))
            }
            Change::Revoke(id) => self.revoke(id, now),
            Change::Rotate(id, new, grace) => self.rotate(id, new, grace, now),
        }
    }

    pub(crate) fn list_clients(&self) -> Vec<ClientInfo> {
        let mut clients: Vec<_> = self.clients.iter().map(|client| self.counted(client)).collect();
        clients.sort_by(|one, other| one.profile.name().cmp(other.profile.name()));
        clients
    }

    pub(crate) fn list_keys(&self, client: Option<&str>) -> Result<Vec<KeyInfo>, ManageError> {
        client.map(|name| self.client(name)).transpose()?;
        let is_meant = |key: &&Key| client.is_none_or(|name| key.info.client == name);
        let mut keys: Vec<_> =
            self.keys.iter().filter(is_meant).map(|key| self.effective(key)).collect();
        keys.sort_by(|one, other| {
            (&one.client, one.created, one.key_id).cmp(&(
                &other.client,
                other.created,
                other.key_id,
            ))
        });
        Ok(keys)
    }

    pub(crate) fn find(&self, digest: KeyDigest) -> Option<KeyRecord> {
        let key = self.keys.iter().find(|key| key.digest == digest)?;
        let info = self.effective(key);
        let profile = &self.clients[self.client(&info.client).ok()?].profile;
        Some(KeyRecord::new(digest, profile).with_lifetime(info.lifetime).with_state(info.state))
    }

    fn add(&mut self, profile: ClientProfile) -> Result<Changed, ManageError> {
        profile.validate()?;
        if self.client(profile.name()).is_ok() {
            return Err(ManageError::ClientExists { name: profile.name().to_owned() });
        }
        self.clients.push(ClientInfo::new(profile.clone()));
        Ok(Changed::Client(ClientInfo::new(profile)))
    }

    fn switch(&mut self, name: &str, enabled: bool) -> Result<Changed, ManageError> {
        let index = self.client(name)?;
        self.clients[index].enabled = enabled;
        Ok(Changed::Client(self.counted(&self.clients[index])))
    }

    fn remove(&mut self, name: &str) -> Result<Changed, ManageError> {
        let index = self.client(name)?;
        if self.clients[index].enabled {
            return Err(ManageError::StillEnabled { name: name.to_owned() });
        }
        let removed = self.counted(&self.clients[index]);
        self.keys.retain(|key| key.info.client != name);
        self.clients.remove(index);
        Ok(Changed::Client(removed))
    }

    fn file(&mut self, name: &str, new: &NewKey, now: SystemTime) -> Result<usize, ManageError> {
        self.client(name)?;
        let expires = match new.expiry() {
            Expiry::At(expires) => Some(expires),
            _ => None,
        };
        if expires.is_some_and(|expires| expires <= now) {
            return Err(ManageError::ExpiryPassed);
        }
        if let Some(error) = new.label().and_then(label_error) {
            return Err(ManageError::Label(error));
        }
        let key_id = id(new.digest());
        if let Some(known) = self.keys.iter().find(|key| key.info.key_id == key_id) {
            return Err(ManageError::Key(match known.info.state {
                _ if known.digest != new.digest() => KeyError::IdConflict { key_id },
                KeyState::Revoked => KeyError::Revoked { key_id },
                _ => KeyError::Duplicate { key_id },
            }));
        }
        let mut info = KeyInfo::new(key_id, name);
        info.label = new.label().map(str::to_owned);
        info.created = Some(whole_second(now));
        info.lifetime = info.lifetime.with_expiry(expires);
        self.keys.push(Key { digest: new.digest(), info });
        Ok(self.keys.len() - 1)
    }

    fn revoke(&mut self, id: KeyId, now: SystemTime) -> Result<Changed, ManageError> {
        let index = self.key(id)?;
        let info = &mut self.keys[index].info;
        info.state = KeyState::Revoked;
        info.revoked.get_or_insert(whole_second(now));
        Ok(Changed::Key(self.effective(&self.keys[index])))
    }

    fn rotate(
        &mut self,
        key_id: KeyId,
        new: NewKey,
        grace: Duration,
        now: SystemTime,
    ) -> Result<Changed, ManageError> {
        let index = self.key(key_id)?;
        let old = self.keys[index].info.clone();
        let conflict = match old.replaced_by {
            _ if old.state == KeyState::Revoked => Some(RotationConflict::Revoked),
            _ if old.has_expired(now) => Some(RotationConflict::Expired),
            Some(successor) => Some(RotationConflict::Replaced { successor }),
            None => None,
        };
        if let Some(conflict) = conflict {
            return Err(ManageError::Conflict { key_id, conflict });
        }
        let new = match (new.expiry(), old.expires(), old.created) {
            (Expiry::Inherit, Some(expires), Some(created)) => {
                let lifetime = expires.duration_since(created).unwrap();
                new.with_expiry(whole_second(now) + lifetime)
            }
            _ => new,
        };
        let new = match (new.label(), old.label) {
            (None, Some(label)) => new.with_label(label),
            _ => new,
        };
        let successor = self.file(&old.client, &new, now)?;
        let replaced_by = self.keys[successor].info.key_id;
        let info = &mut self.keys[index].info;
        let end = now.checked_add(grace).map(whole_second);
        info.lifetime = info.lifetime.with_expiry(info.expires().into_iter().chain(end).min());
        info.replaced_by = Some(replaced_by);
        let [old, new] = [index, successor].map(|index| self.effective(&self.keys[index]));
        Ok(Changed::Rotated(Rotated::new(old, new)))
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
        let found = self.keys.iter().position(|key| key.info.key_id == key_id);
        found.ok_or_else(|| {
            let unlike = |other: KeyId| {
                let (one, other) = (key_id.to_string(), other.to_string());
                one.chars().zip(other.chars()).filter(|(one, other)| one != other).count()
            };
            let ids = self.keys.iter().map(|key| (unlike(key.info.key_id), key.info.key_id));
            let nearest = ids.min().filter(|(unlike, _)| *unlike < 8).map(|(_, id)| id);
            ManageError::UnknownKey { key_id, nearest }
        })
    }

    fn counted(&self, client: &ClientInfo) -> ClientInfo {
        let is_counted = |key: &&Key| {
            key.info.client == client.profile.name() && key.info.state != KeyState::Revoked
        };
        let mut counted = client.clone();
        counted.keys = self.keys.iter().filter(is_counted).count();
        counted
    }

    /// The key with the state that its client gives it.
    fn effective(&self, key: &Key) -> KeyInfo {
        let mut info = key.info.clone();
        let client = self.clients.iter().find(|client| client.profile.name() == info.client);
        if info.state == KeyState::Active && client.is_some_and(|client| !client.enabled) {
            info.state = KeyState::Disabled;
        }
        info
    }
}

pub(crate) fn id(digest: KeyDigest) -> KeyId {
    KeyRecord::new(digest, "").key_id()
}

fn label_error(label: &str) -> Option<LabelError> {
    match label {
        _ if label.trim().is_empty() => Some(LabelError::Empty),
        _ if label.chars().count() > 128 => Some(LabelError::TooLong),
        _ if label.chars().any(char::is_control) => Some(LabelError::Control),
        _ if label.trim() != label => Some(LabelError::OuterBlank),
        // Nobody else makes the character and its position.
        _ => match ClientProfile::new(label).validate() {
            Err(ProfileError::NameInvisible(found)) => Some(LabelError::Invisible(found)),
            _ => None,
        },
    }
}

fn whole_second(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
