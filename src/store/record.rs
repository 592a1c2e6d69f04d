use std::fmt;
use std::time::SystemTime;

use crate::client::{ClientProfile, KeyRestrictions, Network, Scope, sorted};
use crate::key::{KeyDigest, KeyId, KeyState, Lifetime, PackedStatus};
use crate::manage::KeyFacts;

/// The columns needed to authenticate a request, looked up by digest: the client's profile, and the key's lifetime and
/// state.
///
/// A store returns the records of expired and revoked keys, too: verification refuses them and reports why. It also
/// compares the digest in the record with the one it looked up, so a store that returns the wrong row admits nobody.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::{KeyDigest, KeyRecord};
///
/// let digest = KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU");
/// let expiry = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
/// let record = KeyRecord::new(digest, "User 1").with_expiry(expiry);
/// assert_eq!(record.expires(), Some(expiry));
/// ```
#[derive(Clone)]
pub struct KeyRecord {
    pub(crate) digest: KeyDigest,
    /// The profile of the client, with the restrictions of the key.
    pub(crate) profile: ClientProfile,
    pub(crate) status: PackedStatus,
}

impl KeyRecord {
    /// Creates the record of an active key that never expires.
    #[inline]
    pub fn new(digest: KeyDigest, profile: impl Into<ClientProfile>) -> Self {
        Self { digest, profile: profile.into().into_client(), status: PackedStatus::CLEAR }
    }

    /// Creates the record of a key whose client has this profile and is enabled or disabled.
    pub(crate) fn of(key: &KeyFacts, client: &ClientProfile, client_enabled: bool) -> Self {
        let KeyFacts {
            digest,
            client: _,
            label: _,
            created: _,
            scopes,
            networks,
            lifetime,
            revoked: _,
            replaced_by,
        } = key;
        let state = key.state(client_enabled);
        let Lifetime { not_before, expires } = *lifetime;
        let (scopes, networks) = (sorted(scopes.iter().cloned()), sorted(networks.iter().copied()));
        let restrictions = KeyRestrictions { not_before, scopes, networks };
        let status = PackedStatus::new(state, expires).with_replaced(replaced_by.is_some());
        Self { digest: *digest, profile: client.for_key(restrictions), status }
    }

    /// Returns the facts of the key that authentication needs. They do not include the time of revocation, or the id of
    /// the successor.
    pub(crate) fn facts(&self) -> KeyFacts {
        KeyFacts {
            digest: self.digest,
            client: self.profile.name().to_owned(),
            scopes: self.scopes().to_vec(),
            networks: self.networks().to_vec(),
            lifetime: self.lifetime(),
            // Records do not have these.
            label: None,
            created: None,
            revoked: None,
            replaced_by: None,
        }
    }

    /// Replaces the expiry, as [`Lifetime::with_expiry`] does.
    #[must_use]
    pub fn with_expiry(self, expires: impl Into<Option<SystemTime>>) -> Self {
        let lifetime = self.lifetime().with_expiry(expires);
        self.with_lifetime(lifetime)
    }

    /// Replaces the lifetime.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Lifetime) -> Self {
        let Lifetime { not_before, expires } = lifetime;
        let profile = self.profile.restricted(|key| key.not_before = not_before);
        Self { profile, status: self.status.with_expiry(expires), ..self }
    }

    /// Replaces the scopes of the key, which narrow those of its client. Without any, the key has all scopes of its client.
    ///
    /// Scopes that the client lacks have no effect.
    ///
    /// ```
    /// use keygate::{ClientProfile, KeyDigest, KeyRecord, verify};
    /// # use keygate::MemoryStore;
    ///
    /// let key = b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
    /// let app = ClientProfile::new("App 1").with_scopes(["orders:*".parse()?]);
    /// let scopes = ["orders:read".parse()?, "stock:read".parse()?];
    /// let record = KeyRecord::new(KeyDigest::of(key), app).with_scopes(scopes);
    ///
    /// # let store = MemoryStore::new();
    /// # store.insert_record(record)?;
    /// # let mut headers = http::HeaderMap::new();
    /// # headers.insert("x-api-key", http::HeaderValue::from_bytes(key)?);
    /// let client = verify(&store, &headers)?;
    /// assert_eq!(client.scopes(), ["orders:read".parse()?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        let scopes = sorted(scopes);
        Self { profile: self.profile.restricted(|key| key.scopes = scopes), ..self }
    }

    /// Replaces the networks from which the key may be used, within those of its client. Without any, the key may be used
    /// from all networks of its client.
    #[must_use]
    pub fn with_networks(self, networks: impl IntoIterator<Item = Network>) -> Self {
        let networks = sorted(networks);
        Self { profile: self.profile.restricted(|key| key.networks = networks), ..self }
    }

    /// Replaces the state.
    #[must_use]
    pub fn with_state(self, state: KeyState) -> Self {
        Self { status: self.status.with_state(state), ..self }
    }

    /// Replaces whether another key has replaced this one, which still works until it expires.
    #[must_use]
    pub fn with_replaced(self, is_replaced: bool) -> Self {
        Self { status: self.status.with_replaced(is_replaced), ..self }
    }

    /// Returns the digest of the key.
    #[inline]
    pub fn digest(&self) -> KeyDigest {
        self.digest
    }

    /// Returns the public handle of the key.
    #[inline]
    pub fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }

    /// Returns the profile of the key's client.
    #[inline]
    pub fn profile(&self) -> &ClientProfile {
        self.profile.client()
    }

    /// Returns the scopes of the key, sorted. If there are none, the key has those of its client.
    pub fn scopes(&self) -> &[Scope] {
        self.profile.restrictions().map_or(&[], |key| &key.scopes)
    }

    /// Returns the networks from which the key may be used, sorted. If there are none, it may be used from those of its
    /// client.
    pub fn networks(&self) -> &[Network] {
        self.profile.key_networks()
    }

    /// Returns the networks from which the key may be used: its own within those of its client, sorted. `None` if it may be
    /// used from everywhere. It may be used from nowhere if its client has lost all its networks.
    ///
    /// ```
    /// use keygate::{ClientProfile, KeyDigest, KeyRecord};
    ///
    /// let app = ClientProfile::new("App 1").with_networks(["10.0.0.0/8".parse()?]);
    /// let record = KeyRecord::new(KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU"), app);
    /// assert_eq!(record.allowed_networks(), Some(&["10.0.0.0/8".parse()?][..]));
    /// let record = record.with_networks(["10.1.0.0/16".parse()?]);
    /// assert_eq!(record.allowed_networks(), Some(&["10.1.0.0/16".parse()?][..]));
    /// let record = record.with_networks(["192.0.2.1".parse()?]);
    /// assert_eq!(record.allowed_networks(), Some(&[][..]));
    /// # Ok::<(), keygate::client::ParseNetworkError>(())
    /// ```
    pub fn allowed_networks(&self) -> Option<&[Network]> {
        self.profile.allowed_networks()
    }

    /// Returns the time at which the key expires.
    pub fn expires(&self) -> Option<SystemTime> {
        self.lifetime().expires()
    }

    /// Returns the lifetime of the key.
    pub fn lifetime(&self) -> Lifetime {
        self.profile.lifetime(self.status.expires())
    }

    /// Returns whether another key has replaced this one.
    pub fn is_replaced(&self) -> bool {
        self.status.is_replaced()
    }

    /// Returns the state of the key, apart from its lifetime.
    pub fn state(&self) -> KeyState {
        self.status.state()
    }

    /// Returns whether the key is admitted at all times and from everywhere.
    #[inline]
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.status == PackedStatus::CLEAR && !self.profile.is_restricted()
    }
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord")
            .field("key_id", &self.key_id())
            .field("profile", self.profile())
            .field("scopes", &self.scopes())
            .field("networks", &self.networks())
            .field("lifetime", &self.lifetime())
            .field("state", &self.state())
            .field("is_replaced", &self.is_replaced())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn replaced_part_of_a_record_leaves_the_others() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let lifetime = Lifetime::default().with_not_before(at(1)).with_expiry(at(2));
        let record = KeyRecord::new(KeyDigest::of(b"one"), "App 1")
            .with_scopes(["orders:read".parse().unwrap()])
            .with_networks(["10.0.0.0/8".parse().unwrap()])
            .with_lifetime(lifetime)
            .with_state(KeyState::Disabled)
            .with_replaced(true);
        let shown = format!("{record:?}");
        assert!(shown.contains(&format!("lifetime: {lifetime:?}")), "{shown}");
        for same in [
            record.clone().with_scopes(record.scopes().to_vec()),
            record.clone().with_networks(record.networks().to_vec()),
            record.clone().with_lifetime(record.lifetime()),
            record.clone().with_expiry(record.expires()),
            record.clone().with_state(record.state()),
            record.clone().with_replaced(record.is_replaced()),
        ] {
            assert_eq!(same.lifetime(), lifetime);
            assert_eq!(format!("{same:?}"), shown);
        }
    }
}
