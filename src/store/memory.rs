use std::fmt;
use std::sync::{Arc, Mutex};

use super::LocalKeyStore;
use super::table::Table;
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::{self, KeyDigest, KeyId, KeyState, Strength};
use crate::manage::{ChangeContext, KeyError, rules};
use crate::store::KeyRecord;

mod bulk;
mod client_index;
mod listing;
mod manage_keys;
mod managing;
mod packed;
mod purging;
#[cfg(feature = "yaml")]
mod snapshot;
mod transfer;
mod writing;

pub(super) use bulk::{Bulk, BulkConflict};
use client_index::ClientIndex;
use packed::PackedKey;

/// Keys in memory: for tests, for keys from other sources, and for services that create keys at run time.
///
/// The store is a handle: cloning it is cheap, and clones share their keys. Every lookup that begins after a change
/// sees it. Lookups are lock-free; changes are made one at a time. A change copies only the rows near the key: with
/// ten million keys it takes 0.08 ms at the median, and 0.3 to 0.5 ms at the 99.9th percentile.
///
/// The store keeps digests, never the text of a key.
///
/// ```
/// use keygate::MemoryStore;
///
/// let store = MemoryStore::from_keys([
///     ("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1"),
///     ("ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM", "User 2"),
/// ])?;
/// let id = store.insert("Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU", "User 2")?;
/// assert_eq!((store.len(), store.client_count()), (3, 2));
///
/// store.revoke(&id)?;
/// assert_eq!((store.len(), store.client_count()), (2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    context: ChangeContext,
}

struct Shared {
    table: Table,
    /// Locked during every change of the table.
    index: Mutex<ClientIndex>,
}

impl MemoryStore {
    /// Creates a store without keys: every request is refused.
    pub fn new() -> Self {
        Self::from_parts(Table::new(), ClientIndex::default())
    }

    /// Creates a store from a list of keys and their clients.
    ///
    /// # Errors
    ///
    /// [`MemoryStore::insert`] would refuse a key. The error has the index of the first such key.
    pub fn from_keys<K, P>(keys: impl IntoIterator<Item = (K, P)>) -> Result<Self, FromKeysError>
    where
        K: AsRef<[u8]>,
        P: Into<ClientProfile>,
    {
        let mut bulk = Bulk::new();
        for (index, (key, profile)) in keys.into_iter().enumerate() {
            let pushed = checked_digest(key.as_ref())
                .and_then(|digest| bulk.push(digest, profile.into(), index));
            if let Err(error) = pushed {
                // Two earlier keys may conflict, which is only noticed now.
                let earlier = bulk.finish().err().and_then(first);
                return Err(earlier.unwrap_or(FromKeysError { index, error }));
            }
        }
        Self::from_bulk(bulk).map_err(|conflicts| {
            first(conflicts).unwrap_or_else(|| unreachable!("there is at least one conflict"))
        })
    }

    pub(in crate::store) fn from_bulk<P: Copy + Ord>(
        bulk: Bulk<P>,
    ) -> Result<Self, Vec<BulkConflict<P>>> {
        bulk.finish().map(|(table, index)| Self::from_parts(table, index))
    }

    fn from_parts(table: Table, index: ClientIndex) -> Self {
        let shared = Arc::new(Shared { table, index: Mutex::new(index) });
        Self { shared, context: ChangeContext::default() }
    }

    /// Adds a key for a client, and returns the id of the key.
    ///
    /// The name identifies the client: keys with the same client name belong to the same client.
    ///
    /// # Errors
    ///
    /// The key is a duplicate, was revoked, is weak or unusable, or has the id of another key; or the profile breaks
    /// a rule or differs from the client's existing profile. The store is then unchanged.
    pub fn insert(
        &self,
        key: impl AsRef<[u8]>,
        profile: impl Into<ClientProfile>,
    ) -> Result<KeyId, KeyError> {
        self.insert_record(KeyRecord::new(checked_digest(key.as_ref())?, profile))
    }

    /// Adds a key by its digest, with expiry and state.
    ///
    /// A revoked key gets the current time as its time of revocation. An active key of a disabled client is added as
    /// disabled. A disabled key of an enabled client stays disabled until the client is enabled again.
    ///
    /// # Errors
    ///
    /// As for [`MemoryStore::insert`], except that weak and unusable keys cannot be detected.
    pub fn insert_record(&self, record: KeyRecord) -> Result<KeyId, KeyError> {
        let (key_id, state) = (record.key_id(), record.state());
        let is_replaced = record.is_replaced();
        let mut index = self.lock();
        let mut key = record.facts();
        if state == KeyState::Revoked {
            rules::revoke(&mut key, index.now());
        }
        let profile = index.shared_profile(record.profile)?;
        let is_enabled = state != KeyState::Disabled && index.is_enabled(profile.name());
        let mut key = PackedKey::new(key, &profile, is_enabled);
        // A record does not have the id of the successor.
        key.status = key.status.with_replaced(is_replaced);
        let mut edit = self.shared.table.edit();
        self.insert_packed(&mut edit, &mut index, key)?;
        edit.publish();
        index.put(profile);
        Ok(key_id)
    }

    /// Returns the number of keys, without revoked ones.
    pub fn len(&self) -> usize {
        self.shared.table.live()
    }

    /// Returns whether there are no keys, not counting revoked ones.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the earliest expiry after `now` of all active keys.
    #[cfg(feature = "metrics")]
    pub(crate) fn next_expiry(&self, now: std::time::SystemTime) -> Option<std::time::SystemTime> {
        self.shared.table.next_expiry(now)
    }

    /// Returns the number of clients, including clients without keys.
    pub fn client_count(&self) -> usize {
        self.lock().clients.len()
    }

    /// Returns the profiles of the clients, sorted by name.
    pub fn profiles(&self) -> Vec<ClientProfile> {
        self.lock().profiles().cloned().collect()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalKeyStore for MemoryStore {
    #[inline]
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        Ok(self.shared.table.find(digest))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("keys", &self.len())
            .field("clients", &self.client_count())
            .finish()
    }
}

/// Returns the digest of a key, unless the key is weak or unusable.
fn checked_digest(key: &[u8]) -> Result<KeyDigest, KeyError> {
    match key::check(key)? {
        Strength::Weak(why) => Err(KeyError::Weak(why)),
        Strength::Low | Strength::Fair => Ok(KeyDigest::of(key)),
    }
}

/// Error of [`MemoryStore::from_keys`]: the key that was refused, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {} of the list: {error}", index + 1)]
#[non_exhaustive]
pub struct FromKeysError {
    /// The index of the key in the list, counted from 0.
    pub index: usize,
    /// The reason.
    pub error: KeyError,
}

fn first(conflicts: Vec<BulkConflict<usize>>) -> Option<FromKeysError> {
    let first = conflicts.into_iter().next()?;
    Some(FromKeysError { index: first.positions[1], error: first.into_error() })
}
