use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::client_index::ClientIndex;
use super::{MemoryStore, key_error};
use crate::client::ClientProfile;
use crate::key::whole_seconds;
use crate::key::{KeyId, KeyState, PackedStatus};
use crate::manage::rules;
use crate::manage::{ClientInfo, KeyInfo, KeyMetadata, ManageError, NewKey, Rotated, nearest_key};
use crate::store::table::Row;

/// The methods of [`ManageKeys`](crate::ManageKeys) as synchronous methods.
impl MemoryStore {
    /// Replaces the clock used to issue, rotate and revoke keys, for all clones.
    ///
    /// Expired keys are refused by the clock of the [`Authenticator`](crate::Authenticator), which is separate.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.lock().clock = Some(Arc::new(clock));
        self
    }

    /// Adds a client, enabled and without keys.
    ///
    /// # Errors
    ///
    /// A client of this name exists, or the profile breaks a rule.
    pub fn add_client(&self, profile: impl Into<ClientProfile>) -> Result<ClientInfo, ManageError> {
        let profile = profile.into();
        profile.validate()?;
        let mut index = self.lock();
        if index.contains(profile.name()) {
            return Err(ManageError::ClientExists { name: profile.name().to_owned() });
        }
        index.put(profile.clone());
        Ok(ClientInfo::new(profile))
    }

    /// Enables a client, so that its keys work again. Enabling an enabled client changes nothing.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    pub fn enable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.set_enabled(name, true)
    }

    /// Disables a client: its keys are refused until it is enabled again. Disabling a disabled client
    /// changes nothing.
    ///
    /// The call visits every key of the store, which takes 0.1 s for ten million keys.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    pub fn disable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.set_enabled(name, false)
    }

    fn set_enabled(&self, name: &str, enabled: bool) -> Result<ClientInfo, ManageError> {
        let mut index = self.lock();
        let profile = index.profile(name)?.clone();
        let state = if enabled { KeyState::Active } else { KeyState::Disabled };
        let mut edit = self.shared.table.edit();
        edit.change_all(
            |row| row.profile.is_same(&profile),
            |status| Some(if status.is_revoked() { status } else { status.with_state(state) }),
        );
        edit.publish();
        index.set_enabled(name, enabled);
        Ok(self.client_info(&index, &profile))
    }

    /// Removes a disabled client with all its keys, including revoked ones.
    ///
    /// # Errors
    ///
    /// No client of this name exists, or it is still enabled.
    pub fn remove_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        let mut index = self.lock();
        let profile = index.profile(name)?.clone();
        if index.is_enabled(name) {
            return Err(ManageError::StillEnabled { name: name.to_owned() });
        }
        let removed = self.client_info(&index, &profile);
        let mut ids = Vec::new();
        self.shared.table.for_each(|row, _| {
            if row.profile.is_same(&profile) {
                ids.push(row.digest.key_id());
            }
        });
        let mut edit = self.shared.table.edit();
        edit.change_all(|row| row.profile.is_same(&profile), |_| None);
        edit.publish();
        for key_id in ids {
            index.set_metadata(key_id, KeyMetadata::default());
        }
        index.remove(name);
        Ok(removed)
    }

    fn client_info(&self, index: &ClientIndex, profile: &ClientProfile) -> ClientInfo {
        let mut keys = 0;
        self.shared.table.for_each(|row, status| {
            keys += usize::from(row.profile.is_same(profile) && !status.is_revoked());
        });
        ClientInfo { keys, enabled: index.is_enabled(profile.name()), profile: profile.clone() }
    }

    /// Returns the clients, sorted by name.
    pub fn list_clients(&self) -> Vec<ClientInfo> {
        let index = self.lock();
        let mut keys = HashMap::<_, usize>::new();
        self.shared.table.for_each(|row, status| {
            *keys.entry(row.profile.address()).or_default() += usize::from(!status.is_revoked());
        });
        let info = |profile: &ClientProfile| ClientInfo {
            profile: profile.clone(),
            enabled: index.is_enabled(profile.name()),
            keys: keys.get(&profile.address()).copied().unwrap_or_default(),
        };
        index.profiles().map(info).collect()
    }

    /// Adds a key to a client. A key of a disabled client is refused until the client is enabled.
    ///
    /// # Errors
    ///
    /// No client of this name exists; the store holds this key or one with the same id; the expiry has
    /// passed; or the label breaks a rule.
    pub fn issue(&self, client: &str, key: NewKey) -> Result<KeyInfo, ManageError> {
        let mut index = self.lock();
        let now = index.now();
        let profile = index.profile(client)?.clone();
        let (row, status, metadata) = new_row(&index, profile, key, now)?;
        let mut edit = self.shared.table.edit();
        edit.insert(row.clone(), status)
            .map_err(|error| key_error(&self.shared.table, error, &row.digest))?;
        edit.publish();
        index.set_metadata(row.digest.key_id(), metadata.clone());
        Ok(info(&row, status, metadata))
    }

    /// Revokes a key permanently: the store keeps its digest, and the same key cannot be added again.
    ///
    /// Every lookup that begins after this call finds the key revoked. Revoking a revoked key changes nothing.
    ///
    /// # Errors
    ///
    /// No key with this id exists.
    pub fn revoke(&self, key_id: &KeyId) -> Result<KeyInfo, ManageError> {
        let mut index = self.lock();
        let (row, status) = self.row(*key_id)?;
        let mut metadata = index.metadata(*key_id);
        if !status.is_revoked() {
            metadata.revoked = Some(whole_seconds(index.now()));
            let mut edit = self.shared.table.edit();
            edit.change_status(key_id.prefix(), PackedStatus::revoked);
            edit.publish();
            index.set_metadata(*key_id, metadata.clone());
        }
        Ok(info(&row, status.revoked(), metadata))
    }

    /// Replaces a key with a new one of the same client, in one step. The new key works at once; the old key
    /// expires after `grace`, or at its own expiry if that is earlier. With a grace of zero it expires now.
    ///
    /// The new key inherits the old key's label, unless it has one, and [the old key's
    /// lifetime](KeyInfo::inherited_expiry), unless it has its own [`Expiry`](crate::manage::Expiry).
    ///
    /// # Errors
    ///
    /// No key with this id exists; the key was revoked, has expired, or was already replaced; or the new key
    /// is refused, as in [`MemoryStore::issue`].
    pub fn rotate(
        &self,
        key_id: &KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> Result<Rotated, ManageError> {
        let mut index = self.lock();
        let now = index.now();
        let (old, old_status) = self.row(*key_id)?;
        let mut old_metadata = index.metadata(*key_id);
        let old_info = info(&old, old_status, old_metadata.clone());
        let (successor, end) = rules::rotate(&old_info, successor, grace, now)?;
        let (new, new_status, new_metadata) = new_row(&index, old.profile.clone(), successor, now)?;
        let old_status = old_status.with_expiry(end);

        let mut edit = self.shared.table.edit();
        edit.insert(new.clone(), new_status)
            .map_err(|error| key_error(&self.shared.table, error, &new.digest))?;
        edit.change_status(key_id.prefix(), |_| old_status);
        edit.publish();
        old_metadata.replaced_by = Some(new.digest.key_id());
        index.set_metadata(*key_id, old_metadata.clone());
        index.set_metadata(new.digest.key_id(), new_metadata.clone());
        Ok(Rotated {
            old: info(&old, old_status, old_metadata),
            new: info(&new, new_status, new_metadata),
        })
    }

    /// Returns the keys of one client or of all, including revoked and expired ones, sorted by client and
    /// then by creation time.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    pub fn list_keys(&self, client: Option<&str>) -> Result<Vec<KeyInfo>, ManageError> {
        let index = self.lock();
        let only = client.map(|name| index.profile(name)).transpose()?;
        let mut keys = Vec::new();
        self.shared.table.for_each(|row, status| {
            if only.is_none_or(|profile| row.profile.is_same(profile)) {
                keys.push(info(row, status, index.metadata(row.digest.key_id())));
            }
        });
        keys.sort_by(|key, other| {
            let order = |key: &KeyInfo| (key.created, key.key_id);
            key.client.cmp(&other.client).then_with(|| order(key).cmp(&order(other)))
        });
        Ok(keys)
    }

    fn row(&self, key_id: KeyId) -> Result<(Row, PackedStatus), ManageError> {
        self.shared.table.row(key_id.prefix()).ok_or_else(|| {
            let mut ids = Vec::new();
            self.shared.table.for_each(|row, _| ids.push(row.digest.key_id()));
            ManageError::UnknownKey { key_id, nearest: nearest_key(key_id, ids.into_iter()) }
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ClientIndex> {
        // No code panics with a partly changed index, so a poisoned lock is safe to use.
        self.shared.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_row(
    index: &ClientIndex,
    profile: ClientProfile,
    key: NewKey,
    now: SystemTime,
) -> Result<(Row, PackedStatus, KeyMetadata), ManageError> {
    let digest = key.digest();
    let (expires, metadata) = rules::issue(key, now)?;
    let state =
        if index.is_enabled(profile.name()) { KeyState::Active } else { KeyState::Disabled };
    let status = PackedStatus::CLEAR.with_expiry(expires).with_state(state);
    Ok((Row { digest, profile }, status, metadata))
}

fn info(row: &Row, status: PackedStatus, metadata: KeyMetadata) -> KeyInfo {
    KeyInfo {
        key_id: row.digest.key_id(),
        client: row.profile.name().to_owned(),
        label: metadata.label.map(Into::into),
        created: metadata.created,
        expires: status.expires(),
        revoked: metadata.revoked,
        replaced_by: metadata.replaced_by,
        state: status.state(),
    }
}
