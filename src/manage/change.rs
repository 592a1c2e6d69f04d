//! Changes of existing clients and keys.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use crate::client::{ClientProfile, Network, Quota, Scope, sorted};

/// A change of an existing client, for [`ManageKeys::update_client`](crate::ManageKeys::update_client).
///
/// Everything that the change does not name stays the same. The parts are applied in the order of the calls. The name
/// of a client never changes: limits, usage and identity headers depend on it.
///
/// ```
/// use keygate::{ClientProfile, MemoryStore};
/// use keygate::manage::ClientChange;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let profile = ClientProfile::new("App 1").with_scopes(["orders:read".parse()?]);
/// store.add_client(profile.with_quota("100/minute".parse()?))?;
///
/// let change = ClientChange::new()
///     .add_scope("stock:*".parse()?)
///     .with_title("The app of the web shop")
///     .without_quota()
///     .set_metadata("team", "billing");
/// let client = store.update_client("App 1", change)?;
/// assert_eq!(client.profile.scopes(), ["orders:read".parse()?, "stock:*".parse()?]);
/// assert_eq!(client.profile.quota(), None);
/// assert_eq!(client.profile.metadata()["team"], "billing");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ClientChange(Vec<ClientEdit>);

#[derive(Clone, PartialEq, Eq)]
enum ClientEdit {
    Title(Option<String>),
    Networks(Vec<Network>),
    Scopes(Vec<Scope>),
    AddScope(Scope),
    RemoveScope(Scope),
    Quota(Option<Quota>),
    Metadata(BTreeMap<String, String>),
    SetMetadata(String, String),
    RemoveMetadata(String),
}

impl ClientChange {
    /// Creates a change that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the title.
    pub fn with_title(self, title: impl Into<String>) -> Self {
        self.and(ClientEdit::Title(Some(title.into())))
    }

    /// Removes the title.
    pub fn without_title(self) -> Self {
        self.and(ClientEdit::Title(None))
    }

    /// Replaces the networks from which the keys of the client may be used. Without any, they may be used from everywhere.
    ///
    /// A key with its own networks can then only be used from the parts of them that are within these.
    pub fn with_networks(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.and(ClientEdit::Networks(networks.into_iter().collect()))
    }

    /// Replaces the scopes. If the client loses a scope, its keys lose it, too.
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.and(ClientEdit::Scopes(scopes.into_iter().collect()))
    }

    /// Adds a scope.
    pub fn add_scope(self, scope: Scope) -> Self {
        self.and(ClientEdit::AddScope(scope))
    }

    /// Removes exactly this scope, if the client has it. A wider scope, such as `orders:*` for `orders:read`, stays.
    pub fn remove_scope(self, scope: Scope) -> Self {
        self.and(ClientEdit::RemoveScope(scope))
    }

    /// Replaces the quota.
    pub fn with_quota(self, quota: Quota) -> Self {
        self.and(ClientEdit::Quota(Some(quota)))
    }

    /// Removes the quota, so that the default of a limit applies.
    pub fn without_quota(self) -> Self {
        self.and(ClientEdit::Quota(None))
    }

    /// Replaces all metadata.
    pub fn with_metadata<K, V>(self, metadata: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let metadata = metadata.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.and(ClientEdit::Metadata(metadata.collect()))
    }

    /// Sets one name of the metadata.
    pub fn set_metadata(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.and(ClientEdit::SetMetadata(name.into(), value.into()))
    }

    /// Removes one name of the metadata, if it is present.
    pub fn remove_metadata(self, name: impl Into<String>) -> Self {
        self.and(ClientEdit::RemoveMetadata(name.into()))
    }

    /// Returns whether the change is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn and(mut self, edit: ClientEdit) -> Self {
        self.0.push(edit);
        self
    }

    /// Returns the profile after the change.
    pub(super) fn apply(self, profile: ClientProfile) -> ClientProfile {
        self.0.into_iter().fold(profile, |profile, edit| edit.apply(profile))
    }
}

impl ClientEdit {
    fn apply(self, profile: ClientProfile) -> ClientProfile {
        let mut scopes = profile.scopes().to_vec();
        let mut metadata = profile.metadata().clone();
        match self {
            Self::Title(Some(title)) => profile.with_title(title),
            Self::Title(None) => profile.without_title(),
            Self::Networks(networks) => profile.with_networks(networks),
            Self::Scopes(scopes) => profile.with_scopes(scopes),
            Self::AddScope(scope) => {
                scopes.push(scope);
                profile.with_scopes(scopes)
            }
            Self::RemoveScope(scope) => {
                scopes.retain(|known| *known != scope);
                profile.with_scopes(scopes)
            }
            Self::Quota(Some(quota)) => profile.with_quota(quota),
            Self::Quota(None) => profile.without_quota(),
            Self::Metadata(metadata) => profile.with_metadata(metadata),
            Self::SetMetadata(name, value) => {
                metadata.insert(name, value);
                profile.with_metadata(metadata)
            }
            Self::RemoveMetadata(name) => {
                metadata.remove(&name);
                profile.with_metadata(metadata)
            }
        }
    }
}

/// Shows no metadata, which may be private, apart from its names.
impl fmt::Debug for ClientEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Title(title) => f.debug_tuple("Title").field(title).finish(),
            Self::Networks(networks) => f.debug_tuple("Networks").field(networks).finish(),
            Self::Scopes(scopes) => f.debug_tuple("Scopes").field(scopes).finish(),
            Self::AddScope(scope) => f.debug_tuple("AddScope").field(scope).finish(),
            Self::RemoveScope(scope) => f.debug_tuple("RemoveScope").field(scope).finish(),
            Self::Quota(quota) => f.debug_tuple("Quota").field(quota).finish(),
            Self::Metadata(metadata) => f.debug_tuple("Metadata").field(&metadata.keys()).finish(),
            Self::SetMetadata(name, _) => f.debug_tuple("SetMetadata").field(name).finish(),
            Self::RemoveMetadata(name) => f.debug_tuple("RemoveMetadata").field(name).finish(),
        }
    }
}

/// A change of an existing key, for [`ManageKeys::update_key`](crate::ManageKeys::update_key).
///
/// Everything that the change does not name stays as it is.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::{ApiKey, MemoryStore, NewKey};
/// use keygate::manage::KeyChange;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// store.add_client("App 1")?;
/// let key = store.issue("App 1", NewKey::from(&ApiKey::generate("acme")?))?;
///
/// let in_a_day = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
/// let change = KeyChange::new().with_label("mobile").with_expiry(in_a_day);
/// let changed = store.update_key(&key.key_id, change)?;
/// assert_eq!(changed.label.as_deref(), Some("mobile"));
/// let forever = store.update_key(&key.key_id, KeyChange::new().with_expiry(None))?;
/// assert_eq!((forever.expires(), forever.label), (None, changed.label));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct KeyChange(pub(super) Vec<KeyEdit>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyEdit {
    Label(Option<String>),
    Expiry(Option<SystemTime>),
    Scopes(Vec<Scope>),
    Networks(Vec<Network>),
}

impl KeyChange {
    /// Creates a change that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the label.
    pub fn with_label(self, label: impl Into<String>) -> Self {
        self.and(KeyEdit::Label(Some(label.into())))
    }

    /// Removes the label.
    pub fn without_label(self) -> Self {
        self.and(KeyEdit::Label(None))
    }

    /// Replaces the expiry, with an earlier or a later one; `None` means never.
    ///
    /// A key that was revoked or has expired keeps its expiry, and a new expiry must be in the future.
    pub fn with_expiry(self, expires: impl Into<Option<SystemTime>>) -> Self {
        self.and(KeyEdit::Expiry(expires.into()))
    }

    /// Replaces the scopes, which narrow those of the client. Without any, the key has all scopes of its client.
    ///
    /// A scope that the client lacks is refused.
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.and(KeyEdit::Scopes(sorted(scopes)))
    }

    /// Replaces the networks from which the key may be used. Without any, it may be used from all networks of its client.
    ///
    /// A network that is not within those of the client is refused.
    pub fn with_networks(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.and(KeyEdit::Networks(sorted(networks)))
    }

    /// Returns whether the change is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn and(mut self, edit: KeyEdit) -> Self {
        self.0.push(edit);
        self
    }
}
