use std::time::SystemTime;

use super::rules::whole_seconds;
use crate::client::ClientProfile;
use crate::key::{KeyId, KeyState, Timestamp};

/// What a store tells of a client to those who manage it.
///
/// ```
/// use keygate::MemoryStore;
///
/// let store = MemoryStore::new();
/// store.add_client("App 1")?;
/// let client = store.disable_client("App 1")?;
/// assert_eq!((client.profile.name(), client.enabled, client.keys), ("App 1", false, 0));
/// # Ok::<(), keygate::manage::ManageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// Its name, scopes, quota and metadata.
    pub profile: ClientProfile,
    /// Whether its keys are let in.
    pub enabled: bool,
    /// How many keys it has, revoked ones aside.
    pub keys: usize,
}

impl ClientInfo {
    /// An enabled client without keys.
    pub fn new(profile: impl Into<ClientProfile>) -> Self {
        Self { profile: profile.into(), enabled: true, keys: 0 }
    }
}

/// What a store tells of a key to those who manage it: everything but its text and its digest.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::key::KeyState;
///
/// let store = MemoryStore::new();
/// let id = store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// let keys = store.list_keys(Some("User 1"))?;
/// assert_eq!((keys[0].key_id, keys[0].state), (id, KeyState::Active));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The public handle of the key.
    pub key_id: KeyId,
    /// The name of the client whose key it is.
    pub client: String,
    /// What people call the key.
    pub label: Option<String>,
    /// When it was issued, where that is known.
    pub created: Option<SystemTime>,
    /// The instant at which it expires, or has expired.
    pub expires: Option<SystemTime>,
    /// When it was revoked, where that is known; [`KeyInfo::state`] tells whether it was.
    pub revoked: Option<SystemTime>,
    /// The key that takes its place: until its expiry this one works besides.
    pub replaced_by: Option<KeyId>,
    /// Whether it may be used, its expiry aside.
    pub state: KeyState,
}

impl KeyInfo {
    /// An active key of this client, and nothing else known of it.
    pub fn new(key_id: KeyId, client: impl Into<String>) -> Self {
        Self {
            key_id,
            client: client.into(),
            label: None,
            created: None,
            expires: None,
            revoked: None,
            replaced_by: None,
            state: KeyState::Active,
        }
    }

    /// Whether the key is admitted at this instant.
    pub fn is_live(&self, now: SystemTime) -> bool {
        self.state == KeyState::Active && !self.has_expired(now)
    }

    /// Whether the key has expired at this instant.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// The expiry that a successor inherits if the key is rotated at this instant: the lifetime of
    /// this key, from now on.
    ///
    /// It is the expiry of this key where its lifetime is not known, because `created` is `None` or
    /// is not before `expires`, and where the new one would lie beyond the year 9999.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use keygate::manage::KeyInfo;
    ///
    /// let at = |days: u64| UNIX_EPOCH + Duration::from_secs(days * 24 * 60 * 60);
    /// let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse()?, "App 1");
    /// assert_eq!(key.inherited_expiry(at(1_080)), None);
    /// key.expires = Some(at(1_090));
    /// assert_eq!(key.inherited_expiry(at(1_080)), Some(at(1_090)));
    /// key.created = Some(at(1_000));
    /// assert_eq!(key.inherited_expiry(at(1_080)), Some(at(1_170)));
    /// key.expires = Some(at(2_900_000)); // in the year 9909
    /// assert_eq!(key.inherited_expiry(at(100_000)), key.expires);
    /// # Ok::<(), keygate::key::ParseKeyIdError>(())
    /// ```
    pub fn inherited_expiry(&self, now: SystemTime) -> Option<SystemTime> {
        let expires = self.expires?;
        let lifetime = self.created.and_then(|created| expires.duration_since(created).ok());
        // From the second that the successor is created in, so that both live equally long.
        let renewed = lifetime.and_then(|lifetime| whole_seconds(now).checked_add(lifetime));
        let can_be_kept =
            |renewed: &SystemTime| *renewed > now && Timestamp::try_from(*renewed).is_ok();
        Some(renewed.filter(can_be_kept).unwrap_or(expires))
    }
}

/// A list of all that a store could read, and what it could not.
///
/// ```
/// use keygate::{ManageKeys, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::manage::ManageError> {
/// let listed = MemoryStore::new().list_readable_keys(None).await?;
/// println!("{} keys, and {} rows are spoilt", listed.found.len(), listed.unreadable.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialList<T> {
    /// In the order of the list.
    pub found: Vec<T>,
    /// One line for each that could not be read: which one it is, and why. Its keys are refused.
    pub unreadable: Vec<String>,
}

/// All was read.
impl<T> From<Vec<T>> for PartialList<T> {
    fn from(found: Vec<T>) -> Self {
        Self { found, unreadable: Vec::new() }
    }
}

/// The two keys of a rotation.
///
/// See [`ManageKeys`](crate::ManageKeys) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotated {
    /// The key that was replaced, with its new expiry.
    pub old: KeyInfo,
    /// The key that takes its place.
    pub new: KeyInfo,
}

impl Rotated {
    /// The two keys, as the store holds them now.
    pub fn new(old: KeyInfo, new: KeyInfo) -> Self {
        Self { old, new }
    }
}

/// What is noted of a key and no request needs. Most keys of a large store have none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyMetadata {
    pub(crate) label: Option<Box<str>>,
    pub(crate) created: Option<SystemTime>,
    pub(crate) revoked: Option<SystemTime>,
    pub(crate) replaced_by: Option<KeyId>,
}

impl KeyMetadata {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
