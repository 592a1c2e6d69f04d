//! Changing what a store holds, while it serves.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::client::ClientProfile;
use crate::key::KeyId;

mod error;
mod expiry;
mod info;
mod key_error;
mod key_status;
mod nearby;
mod new_key;
pub(crate) mod rules;
mod transfer;

pub use error::{ManageError, RotationConflict};
pub use expiry::Expiry;
pub use info::{ClientInfo, KeyInfo, PartialList, Rotated};
pub use key_error::KeyError;
pub use key_status::KeyStatus;
pub use new_key::NewKey;
pub use transfer::{ConflictReason, Export, ImportConflict, Imported, TransferKeys};

pub(crate) use info::KeyMetadata;
pub(crate) use nearby::{nearest_client, nearest_key};
pub(crate) use transfer::{HeldClient, HeldKey, Plan, plan};

/// A future behind a pointer, as the methods of [`ManageKeys`] return them.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Adds and removes clients; issues, revokes, rotates and lists keys.
///
/// What a command line or an admin page asks of a store. It is an ability of its own: a store that only
/// verifies implements [`KeyStore`](crate::KeyStore) alone. The trait is dyn-compatible, so that the
/// store can be chosen at run time; stores that never wait have synchronous methods besides for what
/// every store must bring.
///
/// A change has been made, for every request whose lookup begins later, when its future is done. A
/// change is made as a whole or not at all. One whose future is dropped half-way may have been made
/// or not.
///
/// No method returns the text of a key or its digest.
///
/// ```
/// use std::time::Duration;
/// use keygate::{ApiKey, ClientProfile, ManageKeys, MemoryStore, NewKey};
/// use keygate::manage::ManageError;
///
/// async fn first_key(store: &dyn ManageKeys) -> Result<ApiKey, Box<dyn std::error::Error>> {
///     store.add_client(ClientProfile::new("App 1")).await?;
///     let key = ApiKey::generate("acme")?;
///     let issued = store.issue("App 1", NewKey::from(&key).with_label("production")).await?;
///
///     // Later: the old key works for another day, beside the new one.
///     let successor = ApiKey::generate("acme")?;
///     let day = Duration::from_secs(24 * 60 * 60);
///     let rotated = store.rotate(&issued.key_id, NewKey::from(&successor), day).await?;
///     assert_eq!(rotated.old.replaced_by, Some(successor.key_id()));
///     assert_eq!(rotated.new.label.as_deref(), Some("production"));
///     Ok(successor)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// first_key(&MemoryStore::new()).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store whose keys can be managed",
    note = "`MemoryStore` and `YamlStore` are; an own store implements `ManageKeys` beside `KeyStore`"
)]
pub trait ManageKeys: Send + Sync {
    /// Adds a client, enabled and without keys.
    ///
    /// # Errors
    ///
    /// There is a client of this name, or the profile breaks a rule.
    fn add_client(&self, profile: ClientProfile) -> BoxFuture<'_, Result<ClientInfo, ManageError>>;

    /// Lets the keys of a client in again. Enabling an enabled client changes nothing.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    fn enable_client<'a>(&'a self, name: &'a str)
    -> BoxFuture<'a, Result<ClientInfo, ManageError>>;

    /// Refuses all keys of a client until it is enabled again. Disabling a disabled client changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    fn disable_client<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<ClientInfo, ManageError>>;

    /// Removes a client and forgets its keys, the marks of revoked ones included.
    ///
    /// # Errors
    ///
    /// There is no client of this name, or it is still enabled.
    fn remove_client<'a>(&'a self, name: &'a str)
    -> BoxFuture<'a, Result<ClientInfo, ManageError>>;

    /// The clients, in the order of their names.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn list_clients(&self) -> BoxFuture<'_, Result<Vec<ClientInfo>, ManageError>>;

    /// Adds a key to a client. One of a disabled client is refused until the client is enabled.
    ///
    /// # Errors
    ///
    /// There is no client of this name; the store holds this key or one with the same id; the expiry
    /// has passed; the label breaks a rule.
    fn issue<'a>(
        &'a self,
        client: &'a str,
        key: NewKey,
    ) -> BoxFuture<'a, Result<KeyInfo, ManageError>>;

    /// Revokes a key, for good. Revoking a key again changes nothing.
    ///
    /// # Errors
    ///
    /// There is no key with this id.
    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> BoxFuture<'a, Result<KeyInfo, ManageError>>;

    /// Replaces a key by another of the same client, in one step: the new one works, and the old one
    /// expires after `grace`, or earlier if it would have anyway. A grace of zero ends it now.
    ///
    /// The new key has the old one's label unless it brings its own, and [the old one's
    /// lifetime](KeyInfo::inherited_expiry) unless it brings its own [`Expiry`].
    ///
    /// # Errors
    ///
    /// There is no key with this id; the key was revoked, has expired, or is being replaced already;
    /// and all that can be wrong with the new key, as in [`ManageKeys::issue`].
    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> BoxFuture<'a, Result<Rotated, ManageError>>;

    /// The keys of one client or of all, revoked and expired ones included, in the order of clients
    /// and then of creation.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    fn list_keys<'a>(
        &'a self,
        client: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<KeyInfo>, ManageError>>;

    /// The client of this name.
    ///
    /// A store that can ask for one does; by default, it is looked for among all.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    fn find_client<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<ClientInfo, ManageError>> {
        Box::pin(async move {
            let mut clients = self.list_clients().await?;
            let place = clients.iter().position(|client| client.profile.name() == name);
            place.map(|place| clients.swap_remove(place)).ok_or_else(|| {
                let names = clients.iter().map(|client| client.profile.name());
                ManageError::UnknownClient { nearest: nearest_client(name, names) }
            })
        })
    }

    /// The key with this id, revoked or not.
    ///
    /// A store that can ask for one does; by default, it is looked for among all.
    ///
    /// # Errors
    ///
    /// There is no key with this id.
    fn find_key<'a>(&'a self, key_id: &'a KeyId) -> BoxFuture<'a, Result<KeyInfo, ManageError>> {
        Box::pin(async move {
            let mut keys = self.list_keys(None).await?;
            let place = keys.iter().position(|key| key.key_id == *key_id);
            place.map(|place| keys.swap_remove(place)).ok_or_else(|| {
                let nearest = nearest_key(*key_id, keys.iter().map(|key| key.key_id));
                ManageError::UnknownKey { key_id: *key_id, nearest }
            })
        })
    }

    /// As [`ManageKeys::list_clients`], for operators: what cannot be read, such as a row that a hand
    /// has spoilt, is told beside the list, and is no error.
    ///
    /// By default, there is nothing of that kind.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn list_readable_clients(&self) -> BoxFuture<'_, Result<PartialList<ClientInfo>, ManageError>> {
        Box::pin(async move { Ok(self.list_clients().await?.into()) })
    }

    /// As [`ManageKeys::list_keys`], for operators: what cannot be read, such as a row that a hand
    /// has spoilt, is told beside the list, and is no error.
    ///
    /// By default, there is nothing of that kind.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    fn list_readable_keys<'a>(
        &'a self,
        client: Option<&'a str>,
    ) -> BoxFuture<'a, Result<PartialList<KeyInfo>, ManageError>> {
        Box::pin(async move { Ok(self.list_keys(client).await?.into()) })
    }
}
