use std::error::Error as _;

use crate::client::ProfileError;
use crate::client::label::LabelError;
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::KeyError;

/// Why a store was not changed, or not listed.
///
/// It is made for the operator who asked. It never holds a key, nor a name that the store does not
/// know: that may be a key by mistake.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::manage::ManageError;
///
/// let store = MemoryStore::from_keys([("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")])?;
/// let error = store.disable_client("User 2").unwrap_err();
/// assert_eq!(error.to_string(), "there is no client of this name; the nearest is `User 1`");
/// # Ok::<(), keygate::store::FromKeysError>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManageError {
    /// The store has no client of this name.
    #[error("there is no client of this name{}", or_nearest(nearest.as_ref(), "the store has no clients"))]
    UnknownClient {
        /// The client whose name is most like it; none where the store has none.
        nearest: Option<String>,
    },
    /// The store has no key with this id.
    #[error("no key has the id {key_id}{}", or_nearest(nearest.as_ref(), "and none is like it"))]
    UnknownKey {
        /// The id that was asked for.
        key_id: KeyId,
        /// The key whose id differs in the fewest digits.
        nearest: Option<KeyId>,
    },
    /// There is a client of this name already.
    #[error("there is a client `{name}` already: choose another name, or issue it a key")]
    ClientExists {
        /// The name of both.
        name: String,
    },
    /// The client is enabled, and only a disabled one is removed.
    #[error(
        "the client `{name}` is enabled: disable it first, and remove it when nobody misses it"
    )]
    StillEnabled {
        /// The name of the client.
        name: String,
    },
    /// The key cannot be rotated.
    #[error("the key {key_id} {conflict}")]
    Conflict {
        /// The key that was to be replaced.
        key_id: KeyId,
        /// What stands in the way.
        conflict: RotationConflict,
    },
    /// The new key would be refused from the beginning.
    #[error("the expiry has passed already: choose a later one")]
    ExpiryPassed,
    /// The label breaks a rule.
    #[error("the label does not fit ({0}): choose another")]
    Label(LabelError),
    /// The store does not take the key or the client.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store cannot be changed.
    #[error("this store is read-only: {why}")]
    ReadOnly {
        /// Why, and what to do.
        why: &'static str,
    },
    /// The key file cannot be edited because of something that it says, or not be made because there is
    /// one. Nothing was changed.
    #[error("{why}")]
    NotEditable {
        /// The file, the line where there is one, why, and what to do.
        why: String,
    },
    /// The store could not be read or changed. It is as it was, unless the error says otherwise.
    #[error("{}", fault(.0))]
    Unavailable(StoreError),
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl From<StoreError> for ManageError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<ProfileError> for ManageError {
    fn from(error: ProfileError) -> Self {
        Self::Key(error.into())
    }
}

/// For operators, what the store met is told, which `Display` of [`StoreError`] keeps from callers.
fn fault(error: &StoreError) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn or_nearest(nearest: Option<&impl ToString>, none: &str) -> String {
    nearest.map_or_else(
        || format!("; {none}"),
        |nearest| format!("; the nearest is `{}`", nearest.to_string()),
    )
}

/// What stands in the way of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RotationConflict {
    /// The key was revoked.
    #[error("was revoked, and revoked is final: issue a new key")]
    Revoked,
    /// The key has expired.
    #[error("has expired: issue a new key")]
    Expired,
    /// The key is being replaced already, perhaps since a moment ago.
    #[error("is being replaced by {successor} already: use that one, or issue a new key")]
    Replaced {
        /// The key that takes its place.
        successor: KeyId,
    },
}
