use super::{KeyInfo, LastUsed};
use crate::client::{ClientProfile, Network, ProfileParts, Scope};
use crate::key::{KeyDigest, KeyId, KeyState, Lifetime, Timestamp};

/// Everything that a store knows about a key. Operators see a [`KeyInfo`] instead, which has no digest.
///
/// The functions in [`rules`](crate::manage::rules) make and change it.
///
/// ```
/// use keygate::KeyDigest;
/// use keygate::key::KeyState;
/// use keygate::manage::KeyFacts;
///
/// let digest = KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU");
/// let mut key = KeyFacts::new(digest, "App 1");
/// key.label = Some("production".to_owned());
/// assert_eq!(key.state(true), KeyState::Active);
/// assert_eq!(key.info(false).state, KeyState::Disabled);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFacts {
    /// The digest of the key.
    pub digest: KeyDigest,
    /// The name of the key's client.
    pub client: String,
    /// The label of the key, for people.
    pub label: Option<String>,
    /// The scopes of the key, sorted. If there are none, the key has those of its client.
    pub scopes: Vec<Scope>,
    /// The networks from which the key may be used, sorted. If there are none, it may be used from those of its client.
    pub networks: Vec<Network>,
    /// Time of issue, if known.
    pub created: Option<Timestamp>,
    /// The time during which the key works.
    pub lifetime: Lifetime,
    /// Time of revocation; `None` if the key was not revoked.
    pub revoked: Option<Timestamp>,
    /// The key that replaces this one.
    pub replaced_by: Option<KeyId>,
}

impl KeyFacts {
    /// Creates the facts of a key that has only a digest and a client.
    pub fn new(digest: KeyDigest, client: impl Into<String>) -> Self {
        Self {
            digest,
            client: client.into(),
            label: None,
            scopes: Vec::new(),
            networks: Vec::new(),
            created: None,
            lifetime: Lifetime::default(),
            revoked: None,
            replaced_by: None,
        }
    }

    /// Returns the public handle of the key.
    pub fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }

    /// Returns the state of the key, given whether its client is enabled.
    pub fn state(&self, client_enabled: bool) -> KeyState {
        KeyState::of(self.revoked.is_some(), client_enabled)
    }

    /// Returns the info that operators see, given whether the key's client is enabled.
    pub fn info(self, client_enabled: bool) -> KeyInfo {
        let state = self.state(client_enabled);
        let Self {
            digest,
            client,
            label,
            scopes,
            networks,
            created,
            lifetime,
            revoked,
            replaced_by,
        } = self;
        let [created, revoked] = [created, revoked].map(|time| time.map(Timestamp::system_time));
        let key_id = digest.key_id();
        KeyInfo {
            key_id,
            client,
            label,
            scopes,
            networks,
            created,
            lifetime,
            revoked,
            replaced_by,
            state,
            last_used: LastUsed::Unknown,
        }
    }

    /// Returns the names of the facts that differ.
    pub(crate) fn differing(&self, other: &Self) -> Vec<&'static str> {
        let Self {
            digest,
            client,
            label,
            scopes,
            networks,
            created,
            lifetime,
            revoked,
            replaced_by,
        } = self;
        let mut differing = names_of([
            ("digest", *digest != other.digest),
            ("client", *client != other.client),
            ("label", *label != other.label),
            ("scopes", *scopes != other.scopes),
            ("networks", *networks != other.networks),
            ("created", *created != other.created),
            ("replaced_by", *replaced_by != other.replaced_by),
            ("revoked", *revoked != other.revoked),
        ]);
        let times = lifetime.times().into_iter().zip(other.lifetime.times());
        differing.extend(times.filter(|(time, other)| time != other).map(|((name, _), _)| name));
        differing
    }
}

/// Everything that a store knows about a client, apart from its keys.
///
/// ```
/// use keygate::manage::ClientFacts;
///
/// assert!(ClientFacts::new("App 1").enabled);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientFacts {
    /// Name, title, scopes, networks, quota and metadata of the client.
    pub profile: ClientProfile,
    /// Whether the keys of the client are admitted.
    pub enabled: bool,
}

impl ClientFacts {
    /// Creates the facts of an enabled client.
    pub fn new(profile: impl Into<ClientProfile>) -> Self {
        Self { profile: profile.into().into_client(), enabled: true }
    }

    /// Returns the names of the facts that differ, apart from the name of the client.
    pub(crate) fn differing(&self, other: &Self) -> Vec<&'static str> {
        let Self { profile, enabled } = self;
        let ProfileParts { name: _, title, scopes, networks, quota, metadata } = profile.parts();
        names_of([
            ("enabled", *enabled != other.enabled),
            ("title", title != other.profile.title()),
            ("scopes", scopes != other.profile.scopes()),
            ("networks", networks != other.profile.networks()),
            ("quota", quota != other.profile.quota()),
            ("metadata", metadata != other.profile.metadata()),
        ])
    }
}

pub(super) fn names_of<const N: usize>(facts: [(&'static str, bool); N]) -> Vec<&'static str> {
    facts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
