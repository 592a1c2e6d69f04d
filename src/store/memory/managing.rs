use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::client_index::ClientIndex;
use super::{MemoryStore, explain};
use crate::client::ClientProfile;
use crate::key::{KeyId, KeyState, PackedStatus};
use crate::manage::rules::{self, whole_seconds};
use crate::manage::{ClientInfo, KeyInfo, KeyMetadata, ManageError, NewKey, Rotated, nearest_key};
use crate::store::table::Row;

/// The methods of [`ManageKeys`](crate::ManageKeys), without waiting.
impl MemoryStore {
    /// Replaces the clock by which keys are issued, rotated and revoked, for all clones.
    ///
    /// Whether a key has expired when it is presented is told by the clock of the
    /// [`Authenticator`](crate::Authenticator).
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.lock().clock = Some(Arc::new(clock));
        self
    }

    /// Adds a client, enabled and without keys.
    ///
    /// # Errors
    ///
    /// There is a client of this name, or the profile breaks a rule.
    pub fn add_client(&self, profile: impl Into<ClientProfile>) -> Result<ClientInfo, ManageError> {
        let profile = profile.into();
        profile.validate()?;
        let mut ledger = self.lock();
        if ledger.knows(profile.name()) {
            return Err(ManageError::ClientExists { name: profile.name().to_owned() });
        }
        ledger.put(profile.clone());
        Ok(ClientInfo::new(profile))
    }

    /// Lets the keys of a client in again. Enabling an enabled client changes nothing.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    pub fn enable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.set_enabled(name, true)
    }

    /// Refuses all keys of a client until it is enabled again. Disabling a disabled client changes
    /// nothing.
    ///
    /// It looks at every key of the store: 0.1 s at ten million.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    pub fn disable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.set_enabled(name, false)
    }

    fn set_enabled(&self, name: &str, enabled: bool) -> Result<ClientInfo, ManageError> {
        let mut ledger = self.lock();
        let profile = ledger.profile(name)?.clone();
        let state = if enabled { KeyState::Active } else { KeyState::Disabled };
        let mut edit = self.shared.table.edit();
        edit.change_all(
            |row| row.profile.is_same(&profile),
            |mark| Some(if mark.is_revoked() { mark } else { mark.with_state(state) }),
        );
        edit.publish();
        ledger.set_enabled(name, enabled);
        Ok(self.client_info(&ledger, &profile))
    }

    /// Removes a client and forgets its keys, the marks of revoked ones included.
    ///
    /// # Errors
    ///
    /// There is no client of this name, or it is still enabled.
    pub fn remove_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        let mut ledger = self.lock();
        let profile = ledger.profile(name)?.clone();
        if ledger.is_enabled(name) {
            return Err(ManageError::StillEnabled { name: name.to_owned() });
        }
        let removed = self.client_info(&ledger, &profile);
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
            ledger.note(key_id, KeyMetadata::default());
        }
        ledger.forget(name);
        Ok(removed)
    }

    fn client_info(&self, ledger: &ClientIndex, profile: &ClientProfile) -> ClientInfo {
        let mut keys = 0;
        self.shared.table.for_each(|row, mark| {
            keys += usize::from(row.profile.is_same(profile) && !mark.is_revoked());
        });
        ClientInfo { keys, enabled: ledger.is_enabled(profile.name()), profile: profile.clone() }
    }

    /// The clients, in the order of their names.
    pub fn list_clients(&self) -> Vec<ClientInfo> {
        let ledger = self.lock();
        let mut keys = HashMap::<_, usize>::new();
        self.shared.table.for_each(|row, mark| {
            *keys.entry(row.profile.address()).or_default() += usize::from(!mark.is_revoked());
        });
        let info = |profile: &ClientProfile| ClientInfo {
            profile: profile.clone(),
            enabled: ledger.is_enabled(profile.name()),
            keys: keys.get(&profile.address()).copied().unwrap_or_default(),
        };
        ledger.profiles().map(info).collect()
    }

    /// Adds a key to a client. One of a disabled client is refused until the client is enabled.
    ///
    /// # Errors
    ///
    /// There is no client of this name; the store holds this key or one with the same id; the expiry
    /// has passed; the label breaks a rule.
    pub fn issue(&self, client: &str, key: NewKey) -> Result<KeyInfo, ManageError> {
        let mut ledger = self.lock();
        let now = ledger.now();
        let profile = ledger.profile(client)?.clone();
        let (row, mark, notes) = filed(&ledger, profile, key, now)?;
        let mut edit = self.shared.table.edit();
        edit.insert(row.clone(), mark)
            .map_err(|conflict| explain(&self.shared.table, conflict, &row.digest))?;
        edit.publish();
        ledger.note(row.digest.key_id(), notes.clone());
        Ok(info(&row, mark, notes))
    }

    /// Revokes a key, for good: the store remembers it, and the same key cannot come back.
    ///
    /// Every request whose lookup begins after this call is refused. Revoking a key again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// There is no key with this id.
    pub fn revoke(&self, key_id: &KeyId) -> Result<KeyInfo, ManageError> {
        let mut ledger = self.lock();
        let (row, mark) = self.row(*key_id)?;
        let mut notes = ledger.notes(*key_id);
        if !mark.is_revoked() {
            notes.revoked = Some(whole_seconds(ledger.now()));
            let mut edit = self.shared.table.edit();
            edit.change_mark(key_id.prefix(), PackedStatus::revoked);
            edit.publish();
            ledger.note(*key_id, notes.clone());
        }
        Ok(info(&row, mark.revoked(), notes))
    }

    /// Replaces a key by another of the same client, in one step: the new one works, and the old one
    /// expires after `grace`, or earlier if it would have anyway. A grace of zero ends it now.
    ///
    /// The new key has the old one's label unless it brings its own, and [the old one's
    /// lifetime](KeyInfo::inherited_expiry) unless it brings its own [`Expiry`](crate::manage::Expiry).
    ///
    /// # Errors
    ///
    /// There is no key with this id; the key was revoked, has expired, or is being replaced already;
    /// and all that can be wrong with the new key, as in [`MemoryStore::issue`].
    pub fn rotate(
        &self,
        key_id: &KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> Result<Rotated, ManageError> {
        let mut ledger = self.lock();
        let now = ledger.now();
        let (old, old_mark) = self.row(*key_id)?;
        let mut old_notes = ledger.notes(*key_id);
        let known = info(&old, old_mark, old_notes.clone());
        let (successor, end) = rules::rotate(&known, successor, grace, now)?;
        let (new, new_mark, new_notes) = filed(&ledger, old.profile.clone(), successor, now)?;
        let old_mark = old_mark.with_expiry(end);

        let mut edit = self.shared.table.edit();
        edit.insert(new.clone(), new_mark)
            .map_err(|conflict| explain(&self.shared.table, conflict, &new.digest))?;
        edit.change_mark(key_id.prefix(), |_| old_mark);
        edit.publish();
        old_notes.replaced_by = Some(new.digest.key_id());
        ledger.note(*key_id, old_notes.clone());
        ledger.note(new.digest.key_id(), new_notes.clone());
        Ok(Rotated { old: info(&old, old_mark, old_notes), new: info(&new, new_mark, new_notes) })
    }

    /// The keys of one client or of all, revoked and expired ones included, in the order of clients
    /// and then of creation.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    pub fn list_keys(&self, client: Option<&str>) -> Result<Vec<KeyInfo>, ManageError> {
        let ledger = self.lock();
        let only = client.map(|name| ledger.profile(name)).transpose()?;
        let mut keys = Vec::new();
        self.shared.table.for_each(|row, mark| {
            if only.is_none_or(|profile| row.profile.is_same(profile)) {
                keys.push(info(row, mark, ledger.notes(row.digest.key_id())));
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
        // Nothing that runs under the lock leaves the ledger half-changed, so a panic in another
        // thread is no reason to stop serving.
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a new key of this client is to be filed.
fn filed(
    ledger: &ClientIndex,
    profile: ClientProfile,
    key: NewKey,
    now: SystemTime,
) -> Result<(Row, PackedStatus, KeyMetadata), ManageError> {
    let digest = key.digest();
    let (expires, notes) = rules::issue(key, now)?;
    let state =
        if ledger.is_enabled(profile.name()) { KeyState::Active } else { KeyState::Disabled };
    let mark = PackedStatus::CLEAR.with_expiry(expires).with_state(state);
    Ok((Row { digest, profile }, mark, notes))
}

fn info(row: &Row, mark: PackedStatus, notes: KeyMetadata) -> KeyInfo {
    KeyInfo {
        key_id: row.digest.key_id(),
        client: row.profile.name().to_owned(),
        label: notes.label.map(Into::into),
        created: notes.created,
        expires: mark.expires(),
        revoked: notes.revoked,
        replaced_by: notes.replaced_by,
        state: mark.state(),
    }
}
