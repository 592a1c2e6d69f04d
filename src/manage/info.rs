use std::cmp::Ordering;
use std::time::SystemTime;

use crate::client::{ClientProfile, Network, Scope};
use crate::key::{KeyId, KeyState, Lifetime, Timestamp, Validity};
use crate::manage::{ClientFacts, LastUsed};

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
    /// Name, title, scopes, networks, quota and metadata of the client.
    pub profile: ClientProfile,
    /// Whether the keys of the client are admitted.
    pub enabled: bool,
    /// Number of keys of the client, without revoked ones.
    pub keys: usize,
}

impl ClientInfo {
    /// Creates the info of an enabled client without keys.
    pub fn new(profile: impl Into<ClientProfile>) -> Self {
        ClientFacts::new(profile).info(0)
    }
}

impl ClientFacts {
    /// Returns the info that operators see. `keys` is the number of the client's keys, without revoked ones.
    pub fn info(self, keys: usize) -> ClientInfo {
        let Self { profile, enabled } = self;
        ClientInfo { profile, enabled, keys }
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
    /// The scopes of the key, sorted. If there are none, the key has those of its client. Scopes that the client lacks have
    /// no effect.
    pub scopes: Vec<Scope>,
    /// The networks from which the key may be used, sorted, within those of its client. If there are none, it may be used
    /// from all of these.
    pub networks: Vec<Network>,
    /// Time of issue, if known.
    pub created: Option<SystemTime>,
    /// The time during which the key works.
    pub lifetime: Lifetime,
    /// Time of revocation, if known. Whether the key was revoked is in [`KeyInfo::state`].
    pub revoked: Option<SystemTime>,
    /// The key that replaces this one, which still works until its expiry.
    pub replaced_by: Option<KeyId>,
    /// State of the key, apart from its lifetime.
    pub state: KeyState,
    /// The last use of the key, which stores do not know.
    pub last_used: LastUsed,
}

impl KeyInfo {
    /// Creates the info of an active key without further fields.
    pub fn new(key_id: KeyId, client: impl Into<String>) -> Self {
        Self {
            key_id,
            client: client.into(),
            label: None,
            scopes: Vec::new(),
            networks: Vec::new(),
            created: None,
            lifetime: Lifetime::default(),
            revoked: None,
            replaced_by: None,
            state: KeyState::Active,
            last_used: LastUsed::Unknown,
        }
    }

    /// The order of [`ManageKeys::list_keys`](crate::ManageKeys::list_keys): by client, time of issue and id.
    pub(crate) fn in_list_order(&self, other: &Self) -> Ordering {
        let times = |key: &Self| (key.created, key.key_id);
        self.client.cmp(&other.client).then_with(|| times(self).cmp(&times(other)))
    }

    /// Returns the time at which the key expires, in the future or past.
    pub fn expires(&self) -> Option<SystemTime> {
        self.lifetime.expires()
    }

    /// Returns the time at which the key begins to work, in the future or past.
    pub fn not_before(&self) -> Option<SystemTime> {
        self.lifetime.not_before()
    }

    /// Returns the time since which the key can be used: the later of its issue and its beginning. `None` if the key has no
    /// beginning, and its time of issue is not known.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use keygate::manage::KeyInfo;
    ///
    /// let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    /// let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse()?, "App 1");
    /// assert_eq!(key.usable_since(), None);
    /// key.created = Some(at(100));
    /// assert_eq!(key.usable_since(), Some(at(100)));
    /// key.lifetime = key.lifetime.with_not_before(at(300));
    /// assert_eq!(key.usable_since(), Some(at(300)));
    /// # Ok::<(), keygate::key::ParseKeyIdError>(())
    /// ```
    pub fn usable_since(&self) -> Option<SystemTime> {
        self.created.max(self.not_before())
    }

    /// Returns whether the key is admitted at this time.
    pub fn is_live(&self, now: SystemTime) -> bool {
        self.state == KeyState::Active && self.lifetime.validity(now) == Validity::Valid
    }

    /// Returns whether the key has expired at this time.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.lifetime.validity(now) == Validity::Expired
    }

    /// Returns the lifetime that a successor inherits if the key is rotated now: it is as long as that of this key. A
    /// beginning that is still to come is inherited, too.
    ///
    /// It ends with this key if the length is unknown, because `created` is `None` or not before the expiry, or if the
    /// successor would expire after the year 9999.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use keygate::key::Lifetime;
    /// use keygate::manage::KeyInfo;
    ///
    /// let at = |days: u64| UNIX_EPOCH + Duration::from_secs(days * 24 * 60 * 60);
    /// let until = |days| Lifetime::default().with_expiry(at(days));
    /// let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse()?, "App 1");
    /// assert_eq!(key.inherited_lifetime(at(1_080)), Lifetime::default());
    /// key.lifetime = until(1_090);
    /// assert_eq!(key.inherited_lifetime(at(1_080)), until(1_090));
    /// key.created = Some(at(1_000));
    /// assert_eq!(key.inherited_lifetime(at(1_080)), until(1_170));
    /// key.lifetime = until(2_900_000); // in the year 9909
    /// assert_eq!(key.inherited_lifetime(at(100_000)), key.lifetime);
    /// # Ok::<(), keygate::key::ParseKeyIdError>(())
    /// ```
    #[must_use]
    pub fn inherited_lifetime(&self, now: SystemTime) -> Lifetime {
        self.lifetime.renewed(self.created.map(Timestamp::nearest), now)
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
    /// One message for each unreadable entry, which identifies it and has the reason. Keys in unreadable entries are
    /// refused.
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
