use std::fmt;
use std::time::SystemTime;

use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId, KeyState, PackedStatus};

/// The columns needed to authenticate a request, looked up by digest: the client's profile, and the key's expiry and
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

    /// Replaces the expiry: the key is refused from this instant on.
    ///
    /// It is kept as a [`Timestamp`](crate::key::Timestamp), with fractions of a microsecond cut off. Stores refuse a
    /// record whose expiry is before 1970 or after the end of 9999.
    #[must_use]
    pub fn with_expiry(self, expires: impl Into<Option<SystemTime>>) -> Self {
        Self { status: self.status.with_expiry(expires.into()), ..self }
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
        self.status.expires()
    }

    /// Returns the state of the key, apart from its expiry.
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
        f.debug_struct("KeyRecord")
            .field("key_id", &self.key_id())
            .field("profile", &self.profile)
            .field("expires", &self.expires())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
