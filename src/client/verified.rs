use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use crate::client::{ClientProfile, Scope};
use crate::key::{KeyDigest, KeyId, PackedStatus, Timestamp};

/// A verified caller: its profile, and the key that it used.
///
/// Only a successful verification creates a `Client`, so that a handler with a `Client` has a verified caller. Cloning
/// costs a reference count.
///
/// ```
/// use http::HeaderMap;
/// use keygate::{MemoryStore, verify};
///
/// let store = MemoryStore::new();
/// let id = store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-api-key", "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?);
///
/// let client = verify(&store, &headers)?;
/// assert_eq!((client.name(), client.key_id()), ("User 1", id));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) profile: ClientProfile,
    /// Never shown: the digest of a weak key helps to guess it.
    pub(crate) digest: KeyDigest,
    pub(crate) status: PackedStatus,
    /// Whether the key came in `Authorization: Bearer`, whose challenges have an `error` attribute.
    pub(crate) by_bearer: bool,
    /// The address from which a key that is restricted to networks was used.
    pub(crate) address: Option<IpAddr>,
}

impl Client {
    /// Returns the name of the client.
    pub fn name(&self) -> &str {
        self.profile.name()
    }

    /// Returns the scopes that apply to this request, sorted: the scopes of the client, narrowed by those of the key.
    pub fn scopes(&self) -> &[Scope] {
        self.profile.scopes()
    }

    /// Returns the profile of the client, with the [scopes that hold](Client::scopes) for this request.
    pub fn profile(&self) -> &ClientProfile {
        &self.profile
    }

    /// Returns the time at which the key that the client used expires.
    pub fn expires(&self) -> Option<SystemTime> {
        self.status.expires().map(Timestamp::system_time)
    }

    /// Returns whether the key of this request was replaced by another. It works until it expires.
    pub fn is_replaced(&self) -> bool {
        self.status.is_replaced()
    }

    /// Returns the public handle of the key that the client used.
    pub fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("profile", &self.profile)
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}
