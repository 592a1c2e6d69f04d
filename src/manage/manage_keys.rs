use std::time::{Duration, SystemTime};

use super::{
    ChangeEvent, ClientChange, ClientInfo, ClientQuery, EventQuery, KeyChange, KeyInfo, KeyQuery,
    ManageError, ManageFuture, NewKey, Page, PartialList, Policy, PolicyChange, PurgeKeys, Rotated,
    Version, nearest_client, nearest_key,
};
use crate::client::ClientProfile;
use crate::key::KeyId;

/// Adds and removes clients; issues, revokes, rotates, purges and lists keys.
///
/// Command lines and admin pages use this trait. A store that only verifies keys implements just
/// [`KeyStore`](crate::KeyStore). The trait is dyn-compatible, so that the store can be chosen at run time; stores that
/// never wait also have synchronous methods of the same names.
///
/// When a future returns, the change is visible to every lookup that begins later. Changes are atomic. If a future is
/// dropped before it returns, the change may or may not have been made.
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
    note = "`MemoryStore`, `YamlStore`, `SqliteStore` and `PostgresStore` are; your own store must implement `ManageKeys` besides `KeyStore`"
)]
pub trait ManageKeys: Send + Sync {
    /// Returns a handle of the same store whose changes are recorded under this name, where the store records changes.
    ///
    /// # Errors
    ///
    /// The name breaks the rules of labels: see [`NewKey::with_label`].
    fn for_actor(&self, actor: &str) -> Result<Box<dyn ManageKeys>, ManageError>;

    /// Returns a handle of the same store whose changes are refused if the client or key no longer has this
    /// [`Version`], so that an operator never overwrites the change of another one.
    ///
    /// It applies to the client or key that a method names: for [`ManageKeys::issue`] to the client, for
    /// [`ManageKeys::rotate`] to the key that is replaced. The refusal is [`ManageError::ClientChanged`] or
    /// [`ManageError::KeyChanged`], which holds the current state. It has no effect on [`ManageKeys::add_client`],
    /// [`ManageKeys::purge_keys`] and [`ManageKeys::update_policy`].
    fn if_version(&self, version: Version) -> Box<dyn ManageKeys>;

    /// Adds a client, enabled and without keys.
    ///
    /// # Errors
    ///
    /// A client of this name exists, or the profile breaks a rule.
    fn add_client(&self, profile: ClientProfile) -> ManageFuture<'_, ClientInfo>;

    /// Changes the title, scopes, networks, quota or metadata of a client. Everything that the change does not name
    /// stays. A change without effect writes nothing.
    ///
    /// If the client loses scopes or networks, its keys lose them, too.
    ///
    /// # Errors
    ///
    /// No client of this name exists, or the profile would break a rule.
    fn update_client<'a>(
        &'a self,
        name: &'a str,
        change: ClientChange,
    ) -> ManageFuture<'a, ClientInfo>;

    /// Enables a client, so that its keys work again. Enabling an enabled client changes nothing.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    fn enable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo>;

    /// Disables a client: its keys are refused until it is enabled again. Disabling a disabled client
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    fn disable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo>;

    /// Removes a disabled client with all its keys, including revoked ones.
    ///
    /// This ends its keys for good: as after a [purge](ManageKeys::purge_keys), the store remembers the digests of all of
    /// them, as long as it can, so that none can be added again.
    ///
    /// # Errors
    ///
    /// No client of this name exists, or it is still enabled.
    fn remove_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo>;

    /// Returns the clients, sorted by name.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn list_clients(&self) -> ManageFuture<'_, Vec<ClientInfo>>;

    /// Adds a key to a client. A key of a disabled client is refused until the client is enabled.
    ///
    /// # Errors
    ///
    /// No client of this name exists; the store holds this key or one with the same id; the expiry has passed or is not
    /// after the beginning; or the label breaks a rule.
    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> ManageFuture<'a, KeyInfo>;

    /// Changes the label, expiry, scopes or networks of a key. Everything that the change does not name stays. A change
    /// without effect writes nothing.
    ///
    /// # Errors
    ///
    /// No key with this id exists; the label breaks a rule; the client lacks a new scope or network of the key; the new
    /// expiry has passed or is not after the beginning; or the key was revoked or has expired, and the change names another
    /// expiry.
    fn update_key<'a>(&'a self, key_id: &'a KeyId, change: KeyChange) -> ManageFuture<'a, KeyInfo>;

    /// Revokes a key permanently. Revoking a revoked key changes nothing.
    ///
    /// # Errors
    ///
    /// No key with this id exists.
    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> ManageFuture<'a, KeyInfo>;

    /// Replaces a key with a new one of the same client, in one step. The new key works at once; the old key
    /// expires after `grace`, or at its own expiry if that is earlier. With a grace of zero it expires now.
    ///
    /// The new key inherits the old key's label, unless it has one, and [the old key's
    /// lifetime](KeyInfo::inherited_lifetime), unless it has its own [`Expiry`](super::Expiry).
    ///
    /// # Errors
    ///
    /// No key with this id exists; the key was revoked, has expired, or was already replaced; or the new key
    /// is refused, as in [`ManageKeys::issue`].
    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> ManageFuture<'a, Rotated>;

    /// Removes the keys that a purge selects, and returns them in the order of [`ManageKeys::list_keys`].
    ///
    /// Afterwards, no list, page or export contains them, and requests with them are refused as with an unknown key.
    /// The store remembers their digests, as long as it can, so that a purged key cannot be added again. A key that was
    /// replaced by a removed one no longer names it. The successor of a key that still works is kept, whatever the
    /// purge selects.
    ///
    /// # Errors
    ///
    /// The store cannot be read or changed.
    fn purge_keys<'a>(&'a self, purge: &'a PurgeKeys) -> ManageFuture<'a, Vec<KeyInfo>>;

    /// Returns the keys of one client or of all, including revoked and expired ones, sorted by client and
    /// then by creation time.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    fn list_keys<'a>(&'a self, client: Option<&'a str>) -> ManageFuture<'a, Vec<KeyInfo>>;

    /// Returns the rules for the lifetimes of keys.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn policy(&self) -> ManageFuture<'_, Policy>;

    /// Changes the rules for the lifetimes of keys, and returns them. Everything that the change does not name stays. A
    /// change without effect writes nothing. Existing keys are not changed.
    ///
    /// # Errors
    ///
    /// A lifetime of the policy would be out of range, or the store cannot be changed.
    fn update_policy(&self, change: PolicyChange) -> ManageFuture<'_, Policy>;

    /// Returns the client of this name.
    ///
    /// The default implementation searches all clients; stores with an index should override it.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    fn find_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
        Box::pin(async move {
            let mut clients = self.list_clients().await?;
            let index = clients.iter().position(|client| client.profile.name() == name);
            index.map(|index| clients.swap_remove(index)).ok_or_else(|| {
                let names = clients.iter().map(|client| client.profile.name());
                ManageError::UnknownClient { nearest: nearest_client(name, names) }
            })
        })
    }

    /// Returns the key with this id, revoked or not.
    ///
    /// The default implementation searches all keys; stores with an index should override it.
    ///
    /// # Errors
    ///
    /// No key with this id exists.
    fn find_key<'a>(&'a self, key_id: &'a KeyId) -> ManageFuture<'a, KeyInfo> {
        Box::pin(async move {
            let mut keys = self.list_keys(None).await?;
            let index = keys.iter().position(|key| key.key_id == *key_id);
            index.map(|index| keys.swap_remove(index)).ok_or_else(|| {
                let nearest = nearest_key(*key_id, keys.iter().map(|key| key.key_id));
                ManageError::UnknownKey { key_id: *key_id, nearest }
            })
        })
    }

    /// Returns the clients as [`ManageKeys::list_clients`] does, and reports unreadable rows next to the list instead
    /// of as an error. A manual change of a database can make a row unreadable.
    ///
    /// The default implementation reports no unreadable rows.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn list_readable_clients(&self) -> ManageFuture<'_, PartialList<ClientInfo>> {
        Box::pin(async move { Ok(self.list_clients().await?.into()) })
    }

    /// Returns the keys as [`ManageKeys::list_keys`] does, and reports unreadable rows next to the list instead of as
    /// an error.
    ///
    /// The default implementation reports no unreadable rows.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    fn list_readable_keys<'a>(
        &'a self,
        client: Option<&'a str>,
    ) -> ManageFuture<'a, PartialList<KeyInfo>> {
        Box::pin(async move { Ok(self.list_keys(client).await?.into()) })
    }

    /// Returns a page of the clients that a query selects, sorted by name.
    ///
    /// Changes between two pages move no other rows: a client that exists throughout is listed exactly once.
    ///
    /// The default implementation reads all clients for each page; stores with an index should override it. It reports all
    /// unreadable rows with the first page.
    ///
    /// # Errors
    ///
    /// The cursor is not from a page of clients, or the store could not be read.
    fn clients<'a>(&'a self, query: &'a ClientQuery) -> ManageFuture<'a, Page<ClientInfo>> {
        Box::pin(async move { query.page_of(self.list_readable_clients().await?) })
    }

    /// Returns a page of the keys that a query selects, in its order.
    ///
    /// Changes between two pages move only the changed keys: a key that exists throughout and keeps its place in the
    /// order is listed exactly once.
    ///
    /// The default implementation reads all clients and keys for each page, and takes the time from the clock of the
    /// system; stores with an index or their own clock should override it. It reports all unreadable rows with the
    /// first page.
    ///
    /// # Errors
    ///
    /// The store does not have the client of the query, the cursor is not from a page of keys in the same order, or the
    /// store could not be read.
    fn keys<'a>(&'a self, query: &'a KeyQuery) -> ManageFuture<'a, Page<KeyInfo>> {
        Box::pin(async move {
            let clients = self.list_readable_clients().await?.found;
            let keys = self.list_readable_keys(query.client.as_deref()).await?;
            query.page_of(keys, &clients, SystemTime::now())
        })
    }

    /// Returns a page of the recorded changes that a query selects, the newest first.
    ///
    /// Databases record every change, including changes by hand. A key file records the changes of a store with
    /// `YamlStore::record_events`. Stores in memory record none, which is the default implementation.
    ///
    /// Events that are recorded between two pages move no other events.
    ///
    /// # Errors
    ///
    /// The store records no changes ([`ManageError::NoEvents`]), the cursor is not from a page of events, or the record
    /// could not be read.
    fn events<'a>(&'a self, _query: &'a EventQuery) -> ManageFuture<'a, Page<ChangeEvent>> {
        Box::pin(async { Err(ManageError::NoEvents { why: "it keeps no events" }) })
    }
}
