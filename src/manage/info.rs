use std::time::SystemTime;

use crate::client::ClientProfile;
use crate::key::{KeyId, KeyState, Timestamp, whole_seconds};

/// A client, as shown to operators.
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
    /// Name, scopes, quota and metadata of the client.
    pub profile: ClientProfile,
    /// Whether the keys of the client are admitted.
    pub enabled: bool,
    /// Number of keys of the client, without revoked ones.
    pub keys: usize,
}

impl ClientInfo {
    /// Creates the info of an enabled client without keys.
    pub fn new(profile: impl Into<ClientProfile>) -> Self {
        Self { profile: profile.into(), enabled: true, keys: 0 }
    }
}

/// A key, as shown to operators: everything but its text and its digest.
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
    /// The name of the key's client.
    pub client: String,
    /// The label of the key, for people.
    pub label: Option<String>,
    /// Time of issue, if known.
    pub created: Option<SystemTime>,
    /// Time of expiry, in the future or past.
    pub expires: Option<SystemTime>,
    /// Time of revocation, if known. Whether the key was revoked is in [`KeyInfo::state`].
    pub revoked: Option<SystemTime>,
    /// The key that replaces this one, which still works until its expiry.
    pub replaced_by: Option<KeyId>,
    /// State of the key, apart from its expiry.
    pub state: KeyState,
}

impl KeyInfo {
    /// Creates the info of an active key without further fields.
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

    /// Returns whether the key is admitted at this time.
    pub fn is_live(&self, now: SystemTime) -> bool {
        self.state == KeyState::Active && !self.has_expired(now)
    }

    /// Returns whether the key has expired at this time.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Returns the expiry that a successor inherits if the key is rotated now: the lifetime of this key, counted from
    /// now.
    ///
    /// It is the expiry of this key if its lifetime is unknown, because `created` is `None` or not before `expires`, or
    /// if the new expiry would be after the year 9999.
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
        // The successor is created at a whole second, so both have the same lifetime.
        let renewed = lifetime.and_then(|lifetime| whole_seconds(now).checked_add(lifetime));
        let is_valid =
            |renewed: &SystemTime| *renewed > now && Timestamp::try_from(*renewed).is_ok();
        Some(renewed.filter(is_valid).unwrap_or(expires))
    }
}

/// A list of the entries that a store could read, and the errors of the others.
///
/// ```
/// use keygate::{ManageKeys, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::manage::ManageError> {
/// let listed = MemoryStore::new().list_readable_keys(None).await?;
/// println!("{} keys, and {} unreadable rows", listed.found.len(), listed.unreadable.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialList<T> {
    /// The readable entries, in the order of the list.
    pub found: Vec<T>,
    /// One message for each unreadable entry, which identifies it and has the reason. Its keys are refused.
    pub unreadable: Vec<String>,
}

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
    /// The new key.
    pub new: KeyInfo,
}

impl Rotated {
    /// Creates the result of a rotation.
    pub fn new(old: KeyInfo, new: KeyInfo) -> Self {
        Self { old, new }
    }
}

/// Fields of a key that are not needed to authenticate a request.
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
