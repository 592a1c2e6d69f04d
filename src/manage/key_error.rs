use crate::client::ProfileError;
use crate::key::{KeyId, TimeError, UnusableKey, WeakKey};

/// Reason why a store refused a key.
///
/// No variant contains the key; variants about a known key contain its [`KeyId`].
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
    #[error("this key is already in the store, as {key_id}: give each client its own key")]
    Duplicate {
        /// The id of the key.
        key_id: KeyId,
    },
    /// The store holds another key with the same [`KeyId`].
    #[error("another key in the store has the same id, {key_id}: generate a new key")]
    IdConflict {
        /// The id that both keys have.
        key_id: KeyId,
    },
    /// This key was revoked permanently.
    #[error("this key was revoked, as {key_id}, and cannot be added again: generate a new key")]
    Revoked {
        /// The id of the key.
        key_id: KeyId,
    },
    /// This key was removed by a [purge](crate::ManageKeys::purge_keys) or with its client.
    #[error("this key was removed, as {key_id}, and cannot be added again: generate a new key")]
    Purged {
        /// The id of the key.
        key_id: KeyId,
    },
    /// The key could be guessed.
    #[error("{0}: generate a key from 32 random bytes")]
    Weak(WeakKey),
    /// No request could present this key.
    #[error(transparent)]
    Unusable(#[from] UnusableKey),
    /// The profile of the key's client breaks a rule.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The expiry is out of range.
    #[error("the expiry: {0}")]
    Expiry(TimeError),
    /// The beginning is out of range.
    #[error("the beginning: {0}")]
    NotBefore(TimeError),
    /// A client with this name exists with different scopes, quota or metadata.
    #[error(
        "the store has a client `{name}` with a different profile: \
         give all keys of one client the same profile"
    )]
    ProfileConflict {
        /// The name of the client.
        name: String,
    },
}
