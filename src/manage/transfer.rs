//! Moving everything that one store holds into another.

use std::fmt;
use std::time::SystemTime;

use super::{BoxFuture, KeyMetadata, ManageError, ManageKeys};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId};

mod imported;
mod plan;

pub use imported::{ConflictReason, ImportConflict, Imported};
pub(crate) use plan::{Plan, plan};

/// Moves clients and keys from one store to another: a key file to a database, and back.
///
/// [`MemoryStore`](crate::MemoryStore), `YamlStore`, `SqliteStore` and `PostgresStore` have it. The keys
/// go on working, since their digests move with them. Whoever moves keys can change all of them: a
/// service that only verifies needs [`KeyStore`](crate::KeyStore) alone.
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
    message = "`{Self}` is not a store from which or into which keys can be moved",
    note = "`MemoryStore`, `YamlStore`, `SqliteStore` and `PostgresStore` are"
)]
pub trait TransferKeys: ManageKeys {
    /// All clients and keys, as they are at one instant.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn export_keys(&self) -> BoxFuture<'_, Result<Export, ManageError>>;

    /// Adds what is not there yet, in one step: all of it or, after an error, nothing.
    ///
    /// Nothing that is there is changed. A client or key that is there and says the same is kept, so
    /// that importing again changes nothing; one that differs is refused, and the answer says in what.
    /// A key that was revoked here stays so. New keys of a client that was refused are refused with it:
    /// under the client that is here, they might be allowed more than they were.
    ///
    /// # Errors
    ///
    /// The store could not be read or changed. That something was refused is no error.
    fn import_keys<'a>(
        &'a self,
        export: &'a Export,
    ) -> BoxFuture<'a, Result<Imported, ManageError>>;
}

/// Everything that a store holds: its clients and its keys, as digests.
///
/// Times have the range and precision of a [`Timestamp`](crate::key::Timestamp). No method returns a digest: one
/// store makes an export, and another imports it. Two exports are equal if they hold the same clients and keys.
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
    /// In the order of their names.
    clients: Vec<HeldClient>,
    /// In the order of their ids.
    keys: Vec<HeldKey>,
}

/// A client, as it moves.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HeldClient {
    pub(crate) profile: ClientProfile,
    pub(crate) enabled: bool,
}

/// A key, as it moves.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HeldKey {
    pub(crate) digest: KeyDigest,
    pub(crate) client: String,
    pub(crate) expires: Option<SystemTime>,
    /// Says when it was revoked, if it was.
    pub(crate) notes: KeyMetadata,
    /// Whether it is disabled though its client is not, which only a store in memory can say.
    pub(crate) disabled: bool,
}

impl HeldKey {
    pub(crate) fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }
}

impl Export {
    pub(crate) fn new(mut clients: Vec<HeldClient>, mut keys: Vec<HeldKey>) -> Self {
        clients.sort_by(|client, other| client.profile.name().cmp(other.profile.name()));
        keys.sort_by_key(HeldKey::key_id);
        Self { clients, keys }
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn clients(&self) -> &[HeldClient] {
        &self.clients
    }

    /// How many clients there are.
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// How many keys there are, revoked ones included.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are neither clients nor keys.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.keys.is_empty()
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("clients", &self.clients.len())
            .field("keys", &self.keys.len())
            .finish()
    }
}
