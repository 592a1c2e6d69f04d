use std::borrow::Cow;
use std::error::Error as _;

use crate::client::label::LabelError;
use crate::client::{Network, ProfileError, Scope};
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::{ClientInfo, KeyError, KeyInfo, PolicyError};

/// Reason why a change or list of a store failed.
///
/// The message is for the operator. It contains no key and no name that is unknown to the store, which may be a key by
/// mistake.
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
        /// The client with the most similar name; `None` if the store has no clients.
        nearest: Option<String>,
    },
    /// The store has no key with this id.
    #[error("no key has the id {key_id}{}", or_nearest(nearest.as_ref(), "and none is like it"))]
    UnknownKey {
        /// The unknown id.
        key_id: KeyId,
        /// The key with the most similar id.
        nearest: Option<KeyId>,
    },
    /// A client of this name exists.
    #[error("there is already a client `{name}`: choose another name, or issue a key to it")]
    ClientExists {
        /// The name of the client.
        name: String,
    },
    /// The client is enabled, and only disabled clients can be removed.
    #[error(
        "the client `{name}` is enabled: disable it first, and remove it once it is no longer needed"
    )]
    StillEnabled {
        /// The name of the client.
        name: String,
    },
    /// The key cannot be rotated, or its expiry not be changed.
    #[error("the key {key_id} {conflict}")]
    Conflict {
        /// The key to replace or change.
        key_id: KeyId,
        /// The reason.
        conflict: RotationConflict,
    },
    /// The client has changed since the [version](crate::ManageKeys::if_version) of the change was read. Nothing was changed.
    #[error(
        "the client `{}` was changed meanwhile, so this change was not made: check its current \
         state, and repeat the change if it still applies",
        current.profile.name()
    )]
    ClientChanged {
        /// The client as it is now.
        current: Box<ClientInfo>,
    },
    /// The key has changed since the [version](crate::ManageKeys::if_version) of the change was read. Nothing was changed.
    #[error(
        "the key {} was changed meanwhile, so this change was not made: check its current state, \
         and repeat the change if it still applies",
        current.key_id
    )]
    KeyChanged {
        /// The key as it is now.
        current: Box<KeyInfo>,
    },
    /// The name of the actor breaks the rules of labels.
    #[error("invalid actor name ({0}): choose another")]
    Actor(LabelError),
    /// The expiry of a new or changed key is not in the future.
    #[error("the expiry has already passed: choose a later one")]
    ExpiryPassed,
    /// The store does not record its changes.
    #[error("the changes of this store are not recorded: {why}")]
    NoEvents {
        /// The reason, or what to do to record them.
        why: &'static str,
    },
    /// The cursor of a query is not the [`next`](crate::manage::Page::next) of a page in the same list and order.
    #[error("this cursor is not from a page of the same list: start again from the first page")]
    InvalidCursor,
    /// The policy does not allow the expiry of the key, or cannot be used itself.
    #[error("the policy of the store: {0}")]
    Policy(#[from] PolicyError),
    /// The new or changed key would expire before it works.
    #[error(
        "the key would expire before it begins to work: choose an earlier beginning or a later expiry"
    )]
    NeverValid,
    /// The client lacks a scope of the new or changed key.
    #[error(
        "the client lacks the scope `{scope}`, and its keys can only narrow its scopes: give the scope to the client \
         first, or leave it out"
    )]
    LacksScope {
        /// The scope.
        scope: Scope,
    },
    /// A network of the new or changed key is not within those of the client.
    #[error(
        "the network {network} is not within those of the client: choose one within them, or add it to the client first"
    )]
    LacksNetwork {
        /// The network.
        network: Network,
    },
    /// The label breaks a rule.
    #[error("the label {0}: choose another")]
    Label(LabelError),
    /// The store refuses the key or the client.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store cannot be changed.
    #[error("this store is read-only: {why}")]
    ReadOnly {
        /// The reason and a hint.
        why: Cow<'static, str>,
    },
    /// The key file cannot be edited because of its content, or cannot be created because it exists. Nothing
    /// was changed.
    #[error("{why}")]
    NotEditable {
        /// The file, the line if there is one, the reason and a hint.
        why: String,
    },
    /// The store could not be read or changed. It is unchanged, unless the error says otherwise.
    #[error("{}", message(.0))]
    Unavailable(StoreError),
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl From<StoreError> for ManageError {
    fn from(error: StoreError) -> Self {
        let is_read_only = error.kind() == crate::error::StoreErrorKind::ReadOnly;
        match error.source() {
            Some(why) if is_read_only => Self::ReadOnly { why: why.to_string().into() },
            None | Some(_) => Self::Unavailable(error),
        }
    }
}

impl From<ProfileError> for ManageError {
    fn from(error: ProfileError) -> Self {
        Self::Key(error.into())
    }
}

/// Returns the source of a store error, which operators may see and `Display` hides from callers.
fn message(error: &StoreError) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn or_nearest(nearest: Option<&impl ToString>, none: &str) -> String {
    nearest.map_or_else(
        || format!("; {none}"),
        |nearest| format!("; the nearest is `{}`", nearest.to_string()),
    )
}

/// Reason why a key cannot be rotated, or its expiry not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RotationConflict {
    /// The key was revoked.
    #[error("was revoked, which is permanent: issue a new key")]
    Revoked,
    /// The key has expired.
    #[error("has expired: issue a new key")]
    Expired,
    /// The key was already replaced.
    #[error("was already replaced by {successor}: use that key, or issue a new one")]
    Replaced {
        /// The key that replaces it.
        successor: KeyId,
    },
}
