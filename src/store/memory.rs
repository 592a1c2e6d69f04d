use std::fmt;
use std::sync::{Arc, Mutex};

use super::LocalKeyStore;
use super::table::{Conflict, Row, Table};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::{self, KeyDigest, KeyId, KeyState, Strength};
use crate::manage::KeyError;
use crate::store::KeyRecord;

mod bulk;
mod client_index;
mod manage_keys;
mod managing;
#[cfg(feature = "yaml")]
#[cfg_attr(not(feature = "watch"), allow(dead_code))]
mod snapshot;
mod transfer;

pub(super) use bulk::{Bulk, BulkConflict};
use client_index::ClientIndex;

/// Keys in memory: for tests, for keys that come from elsewhere, for services that make them at run
/// time.
///
/// A handle: cloning it is cheap, clones share their keys, and a change is seen by every request
/// whose lookup begins after it. Reading waits for nobody; changes wait for each other. A change
/// copies what is near the key, and not the store: at ten million keys 0.08 ms at the median, and 0.3
/// to 0.5 ms at the 99.9th percentile.
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
}

struct Shared {
    table: Table,
    /// Every change to the table is made under this lock.
    ledger: Mutex<ClientIndex>,
}

impl MemoryStore {
    /// A store without keys: every request is refused.
    pub fn new() -> Self {
        Self::from_parts(Table::new(), ClientIndex::default())
    }

    /// A store of these keys and their clients.
    ///
    /// # Errors
    ///
    /// The first key that [`MemoryStore::insert`] would refuse, with its place in the list.
    pub fn from_keys<K, P>(keys: impl IntoIterator<Item = (K, P)>) -> Result<Self, FromKeysError>
    where
        K: AsRef<[u8]>,
        P: Into<ClientProfile>,
    {
        let mut bulk = Bulk::new();
        for (index, (key, profile)) in keys.into_iter().enumerate() {
            let pushed = fair_digest(key.as_ref())
                .and_then(|digest| bulk.push(KeyRecord::new(digest, profile), index));
            if let Err(error) = pushed {
                // Two keys further up may already be in each other's way.
                let earlier = bulk.finish().err().and_then(first);
                return Err(earlier.unwrap_or(FromKeysError { index, error }));
            }
        }
        bulk.finish().map_err(|conflicts| {
            first(conflicts).unwrap_or_else(|| unreachable!("one of several conflicts"))
        })
    }

    fn from_parts(table: Table, ledger: ClientIndex) -> Self {
        Self { shared: Arc::new(Shared { table, ledger: Mutex::new(ledger) }) }
    }

    /// Adds a key for a client, and says under which id it is known from now on.
    ///
    /// A client is told by its name: a second key with the same name belongs to the same client.
    ///
    /// # Errors
    ///
    /// A key that is there already or was revoked, that is weak or unusable, or that has the id of
    /// another; a profile that breaks a rule or contradicts the client's other keys. The store is
    /// then as it was.
    pub fn insert(
        &self,
        key: impl AsRef<[u8]>,
        profile: impl Into<ClientProfile>,
    ) -> Result<KeyId, KeyError> {
        self.insert_record(KeyRecord::new(fair_digest(key.as_ref())?, profile))
    }

    /// Adds a key of which only the digest is known, with its expiry and state.
    ///
    /// An active key of a disabled client is disabled with it. A disabled key of an enabled client stays
    /// so until the client is enabled again.
    ///
    /// # Errors
    ///
    /// As for [`MemoryStore::insert`]; whether the key is weak or unusable cannot be told any more.
    pub fn insert_record(&self, record: KeyRecord) -> Result<KeyId, KeyError> {
        let (digest, mut mark) = (record.digest(), record.mark());
        mark.fault().map_or(Ok(()), |fault| Err(KeyError::Expiry(fault)))?;
        let mut ledger = self.lock();
        let profile = ledger.shared_profile(record.into_profile())?;
        if mark.state() == KeyState::Active && !ledger.is_enabled(profile.name()) {
            mark = mark.with_state(KeyState::Disabled);
        }
        let row = Row { digest, profile: profile.clone() };
        let mut edit = self.shared.table.edit();
        edit.insert(row, mark)
            .map_err(|conflict| explain(&self.shared.table, conflict, &digest))?;
        edit.publish();
        ledger.put(profile);
        Ok(digest.key_id())
    }

    /// How many keys there are, revoked ones aside.
    pub fn len(&self) -> usize {
        self.shared.table.live()
    }

    /// Whether there are no keys, revoked ones aside.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the next of the keys that work expires after this time.
    #[cfg(feature = "metrics")]
    pub(crate) fn next_expiry(&self, now: std::time::SystemTime) -> Option<std::time::SystemTime> {
        self.shared.table.next_expiry(now)
    }

    /// How many clients there are. A client whose keys were all revoked is still one.
    pub fn client_count(&self) -> usize {
        self.lock().client_count()
    }

    /// The clients, in the order of their names.
    pub fn clients(&self) -> Vec<ClientProfile> {
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

/// Returns the digest of a key that is no weak one and can stand in a request.
fn fair_digest(key: &[u8]) -> Result<KeyDigest, KeyError> {
    match key::check(key)? {
        Strength::Weak(why) => Err(KeyError::Weak(why)),
        Strength::Low | Strength::Fair => Ok(KeyDigest::of(key)),
    }
}

/// What stands in the way of a new key.
fn explain(table: &Table, conflict: Conflict, digest: &KeyDigest) -> KeyError {
    let key_id = digest.key_id();
    match conflict {
        Conflict::SameId => KeyError::IdConflict { key_id },
        Conflict::SameKey if table.state(digest) == Some(KeyState::Revoked) => {
            KeyError::Revoked { key_id }
        }
        Conflict::SameKey => KeyError::Duplicate { key_id },
    }
}

/// Which key of a list was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {} of the list: {error}", index + 1)]
#[non_exhaustive]
pub struct FromKeysError {
    /// The place of the key in the list, counted from 0.
    pub index: usize,
    /// Why it was refused.
    pub error: KeyError,
}

fn first(conflicts: Vec<BulkConflict<usize>>) -> Option<FromKeysError> {
    let first = conflicts.into_iter().next()?;
    Some(FromKeysError { index: first.places[1], error: first.into_error() })
}
