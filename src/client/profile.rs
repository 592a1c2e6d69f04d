use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use smol_str::SmolStr;

use super::network::Networks;
use super::restrictions::{KeyProfile, sorted};
use crate::client::{Network, Quota, Scope};

/// Name, title, scopes, networks, quota and metadata of a client.
///
/// A profile is a handle: cloning it costs a reference count, and all keys of a client share one. A name converts into a
/// profile, so that stores accept `"User 1"` as a profile.
///
/// ```
/// use keygate::ClientProfile;
///
/// let profile = ClientProfile::new("App 1")
///     .with_title("The app of the web shop")
///     .with_scopes(["orders:read".parse()?, "stock:*".parse()?])
///     .with_quota("100/minute".parse()?)
///     .with_metadata([("team", "billing")]);
/// assert_eq!(profile.name(), "App 1");
/// assert_eq!(profile.metadata()["team"], "billing");
/// profile.validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientProfile(Arc<Fields>);

/// Most clients have only a name, which takes 24 bytes for names of up to 23 bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Fields {
    Name(SmolStr),
    Detailed(Box<Details>),
    /// The profile of a client that is restricted to networks.
    WithNetworks(Box<Details>),
    /// The profile of a single key with restrictions.
    OfKey(Box<KeyProfile>),
}

const _: () = assert!(size_of::<Fields>() == 24);

/// The fields that a request reads come first and lie together: with many clients, they are in no cache.
#[derive(Clone, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Details {
    pub(crate) networks: Networks,
    pub(crate) scopes: Arc<[Scope]>,
    name: SmolStr,
    pub(crate) title: Option<Box<str>>,
    pub(crate) quota: Option<Quota>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// The parts of a profile. Destructured without `..`, so that a new part is a compile error.
pub(crate) struct ProfileParts<'a> {
    #[cfg_attr(not(feature = "serde"), allow(dead_code))]
    pub(crate) name: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) scopes: &'a [Scope],
    pub(crate) networks: &'a [Network],
    pub(crate) quota: Option<&'a Quota>,
    pub(crate) metadata: &'a BTreeMap<String, String>,
}

impl ClientProfile {
    /// Creates a profile without title, scopes, networks, quota or metadata.
    ///
    /// Stores refuse a name that [`ClientProfile::validate`] refuses.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(Arc::new(Fields::Name(SmolStr::new(name))))
    }

    /// Replaces the title, which is shown to people. Unlike the name, which identifies the client, it can change.
    ///
    /// It has 1 to [`MAX_NAME_CHARS`](crate::client::MAX_NAME_CHARS) characters, and follows the rules of names.
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        let title = title.into().into_boxed_str();
        self.with(|details| details.title = Some(title))
    }

    /// Removes the title.
    #[must_use]
    pub fn without_title(self) -> Self {
        self.with(|details| details.title = None)
    }

    /// Replaces the scopes, which say what the client may do. A client without scopes may do nothing that requires one.
    ///
    /// The scopes are sorted, and duplicates are removed.
    #[must_use]
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        let scopes = sorted(scopes).into();
        self.with(|details| details.scopes = scopes)
    }

    /// Replaces the networks from which the keys of the client may be used. Without any, they may be used from everywhere.
    ///
    /// The networks are sorted, and duplicates are removed. The service must define the address of a client with
    /// [`Authenticator::with_client_address`](crate::Authenticator::with_client_address).
    #[must_use]
    pub fn with_networks(self, networks: impl IntoIterator<Item = Network>) -> Self {
        let networks = sorted(networks).into();
        self.with(|details| details.networks = networks)
    }

    /// Replaces the quota, which limits the requests of the client.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        self.with(|details| details.quota = Some(quota))
    }

    /// Removes the quota.
    #[must_use]
    pub fn without_quota(self) -> Self {
        self.with(|details| details.quota = None)
    }

    /// Replaces the metadata, which is passed to your service with the client.
    #[must_use]
    pub fn with_metadata<K, V>(self, metadata: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let metadata = metadata.into_iter().map(|(name, value)| (name.into(), value.into()));
        let metadata = metadata.collect();
        self.with(|details| details.metadata = metadata)
    }

    fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        self.edit(change);
        self
    }

    /// Changes the profile of the client, in place if no other handle shares it. Lists must be sorted.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Details)) {
        let fields = Arc::make_mut(&mut self.0);
        let mut details = match mem::replace(fields, Fields::Name(SmolStr::default())) {
            Fields::Name(name) => Box::new(Details { name, ..Details::default() }),
            Fields::Detailed(details) | Fields::WithNetworks(details) => details,
            Fields::OfKey(key) => {
                *self = key.client;
                return self.edit(change);
            }
        };
        change(&mut details);
        // The form is canonical, so that equal profiles compare equal.
        let Details { networks, scopes, name: _, title, quota, metadata } = &*details;
        let plain = title.is_none() && scopes.is_empty() && quota.is_none() && metadata.is_empty();
        *fields = if !networks.as_slice().is_empty() {
            Fields::WithNetworks(details)
        } else if plain {
            Fields::Name(details.name)
        } else {
            Fields::Detailed(details)
        };
    }

    pub(super) fn from_fields(fields: Fields) -> Self {
        Self(Arc::new(fields))
    }

    #[inline]
    pub(super) fn fields(&self) -> &Fields {
        &self.0
    }

    pub(super) fn details(&self) -> Option<&Details> {
        match self.fields() {
            Fields::Name(_) => None,
            Fields::Detailed(details) | Fields::WithNetworks(details) => Some(details),
            Fields::OfKey(key) => key.client.details(),
        }
    }

    /// Returns the name of the client, which identifies it.
    pub fn name(&self) -> &str {
        match self.fields() {
            Fields::Name(name) => name,
            Fields::Detailed(details) | Fields::WithNetworks(details) => &details.name,
            Fields::OfKey(key) => key.client.name(),
        }
    }

    /// Returns the title of the client, if it has one.
    pub fn title(&self) -> Option<&str> {
        self.details()?.title.as_deref()
    }

    /// Returns the scopes of the client, sorted. In the profile of a verified [`Client`](crate::Client), they are
    /// narrowed by those of its key.
    pub fn scopes(&self) -> &[Scope] {
        match self.fields() {
            Fields::Name(_) => &[],
            Fields::Detailed(details) | Fields::WithNetworks(details) => &details.scopes,
            Fields::OfKey(key) => &key.scopes,
        }
    }

    /// Returns the networks from which the keys of the client may be used, sorted. If there are none, they may be used from
    /// everywhere.
    pub fn networks(&self) -> &[Network] {
        self.details().map_or(&[], |details| details.networks.as_slice())
    }

    /// Returns the quota of the client, if it has one.
    pub fn quota(&self) -> Option<&Quota> {
        self.details()?.quota.as_ref()
    }

    /// Returns the metadata of the client.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.details().map_or(&NONE, |details| &details.metadata)
    }

    /// Returns all parts of the profile, for code that must not miss one.
    pub(crate) fn parts(&self) -> ProfileParts<'_> {
        ProfileParts {
            name: self.name(),
            title: self.title(),
            scopes: self.scopes(),
            networks: self.networks(),
            quota: self.quota(),
            metadata: self.metadata(),
        }
    }

    /// Returns whether both are handles of the profile of one client.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.address() == other.address()
    }

    /// Returns a number that is equal for handles of the profile of one client only.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.client().0).addr()
    }
}

impl From<&str> for ClientProfile {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for ClientProfile {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&ClientProfile> for ClientProfile {
    fn from(profile: &ClientProfile) -> Self {
        profile.clone()
    }
}

impl fmt::Debug for ClientProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ClientProfile");
        shown.field("name", &self.name());
        if let Some(details) = self.details() {
            let Details { networks, scopes: _, name: _, title, quota, metadata } = details;
            // The scopes of a key with restrictions are narrowed.
            let scopes = self.scopes();
            shown
                .field("title", title)
                .field("scopes", &scopes)
                .field("networks", &networks.as_slice());
            shown.field("quota", quota);
            // Metadata may be private, so only its names are shown.
            shown.field("metadata", &metadata.keys());
        }
        shown.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_with_the_same_fields_are_equal() {
        let scope = |text: &str| text.parse().unwrap();
        let named = ClientProfile::new("n");
        assert_eq!(named.clone().with_scopes([]).with_metadata([("", ""); 0]), named);
        assert_eq!(named.clone().with_title("N").without_title(), named);
        let [one, other] = [["a", "b", "a"], ["b", "a", "b"]]
            .map(|scopes| named.clone().with_scopes(scopes.map(scope)));
        assert_eq!(one, other);
        assert_eq!(one.scopes().len(), 2);
        let network = |text: &str| text.parse().unwrap();
        let [one, other] = [["10.0.0.0/8", "::/0", "::/0"], ["::/0", "::/0", "10.0.0.0/8"]]
            .map(|networks| named.clone().with_networks(networks.map(network)));
        assert_eq!(one, other);
        assert_eq!(one.networks().len(), 2);
        assert_eq!(one.with_networks([]), named);
    }

    #[test]
    fn changing_a_profile_does_not_change_its_clones() {
        let before = ClientProfile::new("User 1").with_metadata([("team", "a")]);
        let after = before.clone().with_metadata([("team", "b")]);
        assert_eq!((&*before.metadata()["team"], &*after.metadata()["team"]), ("a", "b"));
        assert_ne!(before, after);
    }
}
