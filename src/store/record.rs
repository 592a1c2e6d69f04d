use std::fmt;
use std::time::SystemTime;

use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId, KeyState, Lifetime, PackedStatus};

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
    digest: KeyDigest,
    profile: ClientProfile,
    status: PackedStatus,
}

impl KeyRecord {
    /// Creates the record of an active key that never expires.
    #[inline]
    pub fn new(digest: KeyDigest, profile: impl Into<ClientProfile>) -> Self {
        Self { digest, profile: profile.into(), status: PackedStatus::CLEAR }
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
        Self { status: self.status.with_lifetime(lifetime), ..self }
    }

    /// Replaces the state.
    #[must_use]
    pub fn with_state(self, state: KeyState) -> Self {
        Self { status: self.status.with_state(state), ..self }
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
        &self.profile
    }

    /// Returns the time at which the key expires.
    pub fn expires(&self) -> Option<SystemTime> {
        self.lifetime().expires()
    }

    /// Returns the lifetime of the key.
    pub fn lifetime(&self) -> Lifetime {
        self.status.lifetime()
    }

    /// Returns the state of the key, apart from its lifetime.
    pub fn state(&self) -> KeyState {
        self.status.state()
    }

    #[inline]
    pub(crate) fn status(&self) -> PackedStatus {
        self.status
    }

    #[inline]
    pub(crate) fn from_parts(
        digest: KeyDigest,
        profile: ClientProfile,
        status: PackedStatus,
    ) -> Self {
        Self { digest, profile, status }
    }

    #[inline]
    pub(crate) fn into_parts(self) -> (KeyDigest, ClientProfile, PackedStatus) {
        (self.digest, self.profile, self.status)
    }

    pub(crate) fn into_profile(self) -> ClientProfile {
        self.profile
    }
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digest, profile, status } = self;
        f.debug_struct("KeyRecord")
            .field("key_id", &digest.key_id())
            .field("profile", profile)
            .field("lifetime", &status.lifetime())
            .field("state", &status.state())
            .finish()
    }
}
