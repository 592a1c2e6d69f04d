use crate::client::{Network, Scope};
use crate::key::KeyId;

/// Result of an import.
///
/// See [`TransferKeys`](crate::manage::TransferKeys) for an example.
///
/// ```
/// use keygate::manage::Imported;
///
/// assert!(Imported::default().is_complete());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Number of clients added.
    pub clients_added: usize,
    /// Number of clients that existed already, with the same fields.
    pub clients_kept: usize,
    /// Number of keys added.
    pub keys_added: usize,
    /// Number of keys that existed already, with the same fields.
    pub keys_kept: usize,
    /// Whether the policy was copied, because the store had none.
    pub policy_added: bool,
    /// Refused parts: the policy, then clients, then keys. They were not changed in the store.
    pub refused: Vec<ImportConflict>,
}

impl Imported {
    /// Returns whether nothing was refused.
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty()
    }
}

/// A policy, client or key that an import refused.
///
/// ```
/// use keygate::manage::{ConflictReason, ImportConflict};
///
/// let refused = ImportConflict::Key {
///     key_id: "1f0c2b7a9d3e4c58".parse()?,
///     client: "App 1".to_owned(),
///     why: ConflictReason::IdConflict,
/// };
/// assert_eq!(refused.to_string(), "the key 1f0c2b7a9d3e4c58 of App 1: another key has the same id");
/// # Ok::<(), keygate::key::ParseKeyIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportConflict {
    /// The policy.
    #[error("the policy: {why}")]
    Policy {
        /// The reason.
        why: ConflictReason,
    },
    /// A client.
    #[error("the client {name}: {why}")]
    Client {
        /// The name of the client.
        name: String,
        /// The reason.
        why: ConflictReason,
    },
    /// A key.
    #[error("the key {key_id} of {client}: {why}")]
    Key {
        /// The public handle of the key.
        key_id: KeyId,
        /// The name of the key's client.
        client: String,
        /// The reason.
        why: ConflictReason,
    },
}

/// Reason why an import refused a policy, client or key.
///
/// ```
/// use keygate::manage::ConflictReason;
///
/// let why = ConflictReason::Differs { fields: vec!["scopes", "quota"] };
/// assert_eq!(why.to_string(), "it already exists and differs in scopes, quota");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConflictReason {
    /// It exists with different fields.
    #[error("it already exists and differs in {}", fields.join(", "))]
    Differs {
        /// The names of the fields that differ, as in a key file.
        fields: Vec<&'static str>,
    },
    /// The key was revoked in the importing store.
    #[error("it was revoked in this store, which is permanent")]
    Revoked,
    /// The importing store removed the key in a [purge](crate::ManageKeys::purge_keys) or with its client.
    #[error("it was removed from this store, and cannot be added again")]
    Purged,
    /// Another key has the same id.
    #[error("another key has the same id")]
    IdConflict,
    /// It has a scope below `keygate:`, which imports do not add.
    #[error("its scope `{scope}` is reserved and not imported: add the client by hand")]
    Reserved {
        /// The scope.
        scope: Scope,
    },
    /// Its client lacks one of its scopes.
    #[error("its client lacks the scope `{scope}`")]
    LacksScope {
        /// The scope.
        scope: Scope,
    },
    /// One of its networks is not within those of its client.
    #[error("its network {network} is not within those of its client")]
    LacksNetwork {
        /// The network.
        network: Network,
    },
    /// Its client was refused.
    #[error("its client was refused")]
    Client,
    /// The key is disabled although its client is enabled, which only in-memory stores support.
    #[error("it is disabled, but its client is not: revoke the key, or disable the client")]
    Disabled,
}
