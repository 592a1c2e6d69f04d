//! Copies all clients and keys of a store, and its policy, to another store.

use std::collections::BTreeSet;
use std::fmt;

use super::{ClientFacts, KeyFacts, ManageFuture, ManageKeys, Policy};
use crate::key::KeyId;

mod imported;
mod plan;

pub use imported::{ConflictReason, ImportConflict, Imported};
pub(crate) use plan::plan;

/// Copies clients and keys from one store to another, such as from a key file to a database and back.
///
/// [`MemoryStore`](crate::MemoryStore), `YamlStore`, `SqliteStore` and `PostgresStore` implement it. Digests are copied,
/// so that the keys keep working.
///
/// ```
/// use keygate::{ClientProfile, ManageKeys, MemoryStore};
/// use keygate::manage::TransferKeys;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::manage::ManageError> {
/// let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// old.add_client("App 1")?;
///
/// let imported = new.import_keys(&old.export_keys().await?).await?;
/// assert_eq!((imported.clients_added, imported.refused.len()), (1, 0));
/// let again = new.import_keys(&old.export_keys().await?).await?;
/// assert_eq!((again.clients_added, again.clients_kept), (0, 1));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store that can export and import keys",
    note = "`MemoryStore`, `YamlStore`, `SqliteStore` and `PostgresStore` are"
)]
pub trait TransferKeys: ManageKeys {
    /// Returns a consistent snapshot of all clients and keys, and of the policy.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn export_keys(&self) -> ManageFuture<'_, Export>;

    /// Adds all clients and keys that the store does not have yet, in one step. After an error, nothing was added.
    ///
    /// Existing clients and keys are never changed. Equal ones are kept, so that importing again changes nothing. If
    /// they differ, the import refuses them and returns the fields that differ. A key that was revoked in this store
    /// stays revoked, and one that was removed from it is refused. If a client is refused, its new keys are refused,
    /// too, since the existing client may have more permissions.
    ///
    /// The policy is copied if the store has none, and refused if the store has another one. Imported keys need not
    /// follow it.
    ///
    /// # Errors
    ///
    /// The store could not be read or changed. Refused clients and keys are not an error.
    fn import_keys<'a>(&'a self, export: &'a Export) -> ManageFuture<'a, Imported>;
}

/// All clients and keys of a store, the keys as digests, and its policy.
///
/// Times have the range and precision of a [`Timestamp`](crate::key::Timestamp). No method returns a digest: one
/// store creates an export, and another imports it. Two exports are equal if they have the same clients, keys and policy.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::manage::TransferKeys;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::from_keys([("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")])?;
/// let export = store.export_keys().await?;
/// assert_eq!(format!("{export:?}"), "Export { clients: 1, keys: 1 }");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// Sorted by name.
    clients: Vec<ClientFacts>,
    /// Sorted by id.
    keys: Vec<KeyFacts>,
    /// Keys that are disabled although their client is enabled, which only in-memory stores can have.
    disabled: BTreeSet<KeyId>,
    policy: Policy,
}

impl Export {
    pub(crate) fn new(mut clients: Vec<ClientFacts>, mut keys: Vec<KeyFacts>) -> Self {
        clients.sort_by(|client, other| client.profile.name().cmp(other.profile.name()));
        keys.sort_by_key(KeyFacts::key_id);
        Self { clients, keys, disabled: BTreeSet::new(), policy: Policy::new() }
    }

    pub(crate) fn with_disabled(self, disabled: BTreeSet<KeyId>) -> Self {
        Self { disabled, ..self }
    }

    pub(crate) fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Returns the policy for the lifetimes of keys.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    pub(crate) fn clients(&self) -> &[ClientFacts] {
        &self.clients
    }

    pub(crate) fn client(&self, name: &str) -> Option<&ClientFacts> {
        let index = self.clients.binary_search_by(|client| client.profile.name().cmp(name));
        index.ok().map(|index| &self.clients[index])
    }

    pub(crate) fn keys(&self) -> &[KeyFacts] {
        &self.keys
    }

    /// Returns whether a key is disabled although its client is enabled.
    pub(crate) fn is_disabled(&self, key_id: KeyId) -> bool {
        self.disabled.contains(&key_id)
    }

    /// Returns the number of clients.
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// Returns the number of keys, including revoked ones.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there are neither clients nor keys. There may be a policy.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.keys.is_empty()
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, keys, disabled: _, policy: _ } = self;
        let mut shown = f.debug_struct("Export");
        shown.field("clients", &clients.len()).field("keys", &keys.len()).finish()
    }
}
