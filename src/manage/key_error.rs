use crate::client::ProfileError;
use crate::key::{KeyId, TimeError, UnusableKey, WeakKey};

/// Why a store did not take a key, or has none to revoke.
///
/// No variant holds the key; those about a key that the store knows hold its [`KeyId`].
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::key::WeakKey;
/// use keygate::manage::KeyError;
///
/// let store = MemoryStore::new();
/// assert!(matches!(store.insert("hunter2", "User 1"), Err(KeyError::Weak(WeakKey::Short))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The store already holds this key.
    #[error("this key is already in the store, as {key_id}: give each client a key of its own")]
    Duplicate {
        /// The key that is already there.
        key_id: KeyId,
    },
    /// The store holds another key with the same [`KeyId`].
    #[error("another key in the store has the same id, {key_id}: generate a new key")]
    IdConflict {
        /// The id that both keys have.
        key_id: KeyId,
    },
    /// This key was revoked, and revoked is final.
    #[error("this key was revoked, as {key_id}, and cannot come back: generate a new key")]
    Revoked {
        /// The key that was revoked.
        key_id: KeyId,
    },
    /// The key could be guessed.
    #[error("{0}: generate one of 32 random bytes")]
    Weak(WeakKey),
    /// No request could present this key.
    #[error(transparent)]
    Unusable(#[from] UnusableKey),
    /// The profile that came with the key breaks a rule.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The expiry cannot be kept.
    #[error("the expiry: {0}")]
    Expiry(TimeError),
    /// A client of this name is in the store with other scopes, another quota or other metadata.
    #[error(
        "the store holds a client `{name}` with another profile: \
         give all keys of one client the same profile"
    )]
    ProfileConflict {
        /// The name of the client.
        name: String,
    },
}
