use crate::key::KeyId;

/// What became of an import.
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
    /// How many clients were added.
    pub clients_added: usize,
    /// How many clients were there already, and said the same.
    pub clients_kept: usize,
    /// How many keys were added.
    pub keys_added: usize,
    /// How many keys were there already, and said the same.
    pub keys_kept: usize,
    /// What was not taken, clients first. The store is as it was in all of this.
    pub refused: Vec<ImportConflict>,
}

impl Imported {
    /// Whether nothing was refused.
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty()
    }
}

/// A client or a key that an import did not take.
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
    /// A client.
    #[error("the client {name}: {why}")]
    Client {
        /// Its name.
        name: String,
        /// What stands in the way.
        why: ConflictReason,
    },
    /// A key.
    #[error("the key {key_id} of {client}: {why}")]
    Key {
        /// The public handle of the key.
        key_id: KeyId,
        /// The name of the client whose key it was to be.
        client: String,
        /// What stands in the way.
        why: ConflictReason,
    },
}

/// What kept an import from taking a client or a key.
///
/// ```
/// use keygate::manage::ConflictReason;
///
/// let why = ConflictReason::Differs { fields: vec!["scopes", "quota"] };
/// assert_eq!(why.to_string(), "it is here already and differs in scopes, quota");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConflictReason {
    /// It is there already, and is not the same.
    #[error("it is here already and differs in {}", fields.join(", "))]
    Differs {
        /// The fields that differ, by their names in a key file.
        fields: Vec<&'static str>,
    },
    /// The key was revoked where it was to go, which is final.
    #[error("it was revoked here, and revoked is final")]
    Revoked,
    /// Another key has the same id.
    #[error("another key has the same id")]
    IdConflict,
    /// Its client was refused.
    #[error("its client was refused")]
    Client,
    /// The key itself is disabled and not its client, which no other store can say.
    #[error("it is disabled and its client is not: revoke it, or disable the client")]
    Disabled,
}
