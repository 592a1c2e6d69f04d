use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::MemoryStore;
use super::client_index::ClientIndex;
use super::packed::{KeyMetadata, PackedKey};
use super::writing::update;
use crate::client::ClientProfile;
use crate::key::{KeyId, KeyState};
use crate::manage::{
    ChangeContext, ClientChange, ClientFacts, ClientInfo, KeyChange, KeyInfo, ManageError, NewKey,
    Policy, PolicyChange, Rotated, Version, nearest_key, rules,
};
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

    /// Returns a handle whose changes are made under this name. The store records no changes.
    ///
    /// # Errors
    ///
    /// The name breaks the rules of labels: see [`NewKey::with_label`].
    pub fn for_actor(&self, actor: &str) -> Result<Self, ManageError> {
        Ok(self.in_context(self.context.for_actor(actor)?))
    }

    /// Returns a handle whose changes are refused if the client or key no longer has this version: see
    /// [`ManageKeys::if_version`](crate::ManageKeys::if_version).
    #[must_use]
    pub fn if_version(&self, version: Version) -> Self {
        self.in_context(self.context.if_version(version))
    }

    pub(in crate::store) fn in_context(&self, context: ChangeContext) -> Self {
        Self { context, ..self.clone() }
    }

    /// Adds a client, enabled and without keys.
    ///
    /// # Errors
    ///
    /// A client of this name exists, or the profile breaks a rule.
    pub fn add_client(&self, profile: impl Into<ClientProfile>) -> Result<ClientInfo, ManageError> {
        let client = rules::add(profile.into())?;
        let mut index = self.lock();
        if index.clients.contains(client.profile.name()) {
            return Err(ManageError::ClientExists { name: client.profile.name().to_owned() });
        }
        index.put(client.profile.clone());
        Ok(client.info(0))
    }

    /// Changes the title, scopes, networks, quota or metadata of a client. Everything that the change does not name
    /// stays.
    ///
    /// A change visits every key of the store, which takes 0.1 s for ten million keys.
    ///
    /// # Errors
    ///
    /// No client of this name exists, or the profile would break a rule.
    pub fn update_client(
        &self,
        name: &str,
        change: ClientChange,
    ) -> Result<ClientInfo, ManageError> {
        let mut index = self.lock();
        let known = self.expected(&index, name)?;
        let mut client = rules::update_client(&known, change)?;
        if client == known {
            // All rows of a client share one handle of its profile.
            client = known;
        } else {
            let mut edit = self.shared.table.edit();
            let profile = &client.profile;
            edit.change_all(
                |row| row.profile.is_same(&known.profile),
                |row, status| {
                    let profile = profile.restricted_as(&row.profile);
                    Some((Row { digest: row.digest, profile }, status))
                },
            );
            edit.publish();
            index.put(profile.clone());
        }
        Ok(self.counted(client))
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
        let ClientFacts { profile, enabled: _ } = self.expected(&index, name)?;
        let mut edit = self.shared.table.edit();
        edit.change_all(
            |row| row.profile.is_same(&profile),
            |row, status| {
                let state = KeyState::of(status.is_revoked(), enabled);
                Some((row.clone(), status.with_state(state)))
            },
        );
        edit.publish();
        index.set_enabled(name, enabled);
        Ok(self.counted(index.client(name)?))
    }

    /// Removes a disabled client with all its keys, including revoked ones. None of these keys can be added again: the
    /// store keeps their digests.
    ///
    /// # Errors
    ///
    /// No client of this name exists, or it is still enabled.
    pub fn remove_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        let mut index = self.lock();
        let client = self.expected(&index, name)?;
        rules::remove(&client)?;
        let removed = self.counted(client);
        let mut edit = self.shared.table.edit();
        let is_removed = |row: &Row| row.profile.is_same(&removed.profile);
        self.shared.table.for_each(|row, _| {
            if is_removed(row) {
                index.set_metadata(row.digest.key_id(), KeyMetadata::default());
                index.purged.insert(row.digest);
            }
        });
        edit.change_all(is_removed, |_, _| None);
        edit.publish();
        index.remove(name);
        Ok(removed)
    }

    /// Finds a client to be changed. Refuses it if the change is based on another version.
    fn expected(&self, index: &ClientIndex, name: &str) -> Result<ClientFacts, ManageError> {
        let client = index.client(name)?;
        self.context.check_client(&client, || self.counted(client.clone()).keys)?;
        Ok(client)
    }

    fn counted(&self, client: ClientFacts) -> ClientInfo {
        let mut keys = 0;
        self.shared.table.for_each(|row, status| {
            keys += usize::from(row.profile.is_same(&client.profile) && !status.is_revoked());
        });
        client.info(keys)
    }

    /// Adds a key to a client. A key of a disabled client is refused until the client is enabled.
    ///
    /// # Errors
    ///
    /// No client of this name exists; the store holds this key or one with the same id; the expiry has
    /// passed; or the label breaks a rule.
    pub fn issue(&self, client: &str, key: NewKey) -> Result<KeyInfo, ManageError> {
        let mut index = self.lock();
        let ClientFacts { profile, enabled } = self.expected(&index, client)?;
        let key = rules::issue(&profile, key, &index.policy, index.now())?;
        let mut edit = self.shared.table.edit();
        self.insert_packed(&mut edit, &mut index, PackedKey::new(key.clone(), &profile, enabled))?;
        edit.publish();
        Ok(key.info(enabled))
    }

    /// Changes the label, expiry, scopes or networks of a key. Everything that the change does not name stays.
    ///
    /// # Errors
    ///
    /// No key with this id exists; the label breaks a rule; the client lacks a new scope or network of the key; the new
    /// expiry has passed; or the key was revoked or has expired, and the change names another expiry.
    pub fn update_key(&self, key_id: &KeyId, change: KeyChange) -> Result<KeyInfo, ManageError> {
        let mut index = self.lock();
        let known = self.expected_key(&index, *key_id)?;
        let (client, facts) = (known.row.profile.client(), known.clone().facts());
        let key = rules::update_key(client, &facts, change, &index.policy, index.now())?;
        let mut edit = self.shared.table.edit();
        update(&mut edit, &mut index, &known, key.clone());
        edit.publish();
        Ok(key.info(known.is_enabled()))
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
        let known = self.expected_key(&index, *key_id)?;
        let mut key = known.clone().facts();
        if rules::revoke(&mut key, index.now()) {
            let mut edit = self.shared.table.edit();
            update(&mut edit, &mut index, &known, key.clone());
            edit.publish();
        }
        Ok(key.info(known.is_enabled()))
    }

    /// Replaces a key with a new one of the same client, in one step. The new key works at once; the old key
    /// expires after `grace`, or at its own expiry if that is earlier. With a grace of zero it expires now.
    ///
    /// The new key inherits the old key's label, unless it has one, and [the old key's
    /// lifetime](KeyInfo::inherited_lifetime), unless it has its own [`Expiry`](crate::manage::Expiry).
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
        let known = self.expected_key(&index, *key_id)?;
        let ClientFacts { profile, enabled } = index.client(known.row.profile.name())?;
        let (facts, now) = (known.clone().facts(), index.now());
        let (old, new) = rules::rotate(&profile, &facts, successor, grace, &index.policy, now)?;
        let mut edit = self.shared.table.edit();
        self.insert_packed(&mut edit, &mut index, PackedKey::new(new.clone(), &profile, enabled))?;
        update(&mut edit, &mut index, &known, old.clone());
        edit.publish();
        Ok(Rotated { old: old.info(known.is_enabled()), new: new.info(enabled) })
    }

    /// Returns the rules for the lifetimes of keys.
    pub fn policy(&self) -> Policy {
        self.lock().policy
    }

    /// Changes the rules for the lifetimes of keys, and returns them. Everything that the change does not name stays.
    /// Existing keys are not changed.
    ///
    /// # Errors
    ///
    /// A lifetime of the policy would be out of range.
    pub fn update_policy(&self, change: impl Into<PolicyChange>) -> Result<Policy, ManageError> {
        let mut index = self.lock();
        index.policy = rules::update_policy(&index.policy, change.into())?;
        Ok(index.policy)
    }

    pub(super) fn find_packed(&self, index: &ClientIndex, key_id: KeyId) -> Option<PackedKey> {
        let (row, status) = self.shared.table.row(key_id.prefix())?;
        Some(index.packed(&row, status))
    }

    /// Finds a key to be changed. Refuses it if the change is based on another version.
    fn expected_key(&self, index: &ClientIndex, key_id: KeyId) -> Result<PackedKey, ManageError> {
        let key = self.find_packed(index, key_id).ok_or_else(|| {
            let mut ids = Vec::new();
            self.shared.table.for_each(|row, _| ids.push(row.digest.key_id()));
            ManageError::UnknownKey { key_id, nearest: nearest_key(key_id, ids.into_iter()) }
        })?;
        self.context.check_key(|| key.clone().info())?;
        Ok(key)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ClientIndex> {
        // No code panics while the index is partly changed, so a poisoned lock is safe to use.
        self.shared.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
