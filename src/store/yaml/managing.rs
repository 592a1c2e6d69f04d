use std::path::Path;
use std::time::Duration;

use super::file::{check_writable, create, edit_error};
use super::{KeyFile, Layout, YamlStore};
use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{
    ClientChange, ClientInfo, ClientQuery, Export, KeyChange, KeyInfo, KeyQuery, ManageError,
    NewKey, Page, Policy, PolicyChange, PurgeKeys, Rotated, Version,
};

const NEW_FILE: &str = "\
# The keys of a service, for keygate: `keygate client add NAME`, `keygate key issue NAME`.
version: 1
clients:
";

/// The methods of [`ManageKeys`](crate::ManageKeys) as blocking methods.
impl YamlStore {
    /// Creates a file without keys, accessible to its owner only, and opens it.
    ///
    /// # Errors
    ///
    /// The file exists or cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, ManageError> {
        let path = path.as_ref();
        create(path, NEW_FILE.as_bytes()).map_err(|kind| edit_error(path, kind))?;
        Ok(Self::open(path)?)
    }

    /// Creates a file with exactly the clients, keys and policy of an export, accessible to its owner only, and opens it.
    ///
    /// Unlike an import, it also takes reserved scopes, and keys with scopes or networks that their clients have lost.
    ///
    /// ```
    /// use keygate::{ClientProfile, MemoryStore, YamlStore};
    /// use keygate::manage::TransferKeys;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = std::env::temp_dir().join(format!("keygate-export-{}.yml", std::process::id()));
    /// let store = MemoryStore::new();
    /// store.add_client(ClientProfile::new("Operations").with_scopes(["keygate:admin".parse()?]))?;
    /// let export = store.export_keys().await?;
    /// let file = YamlStore::create_from_export(&path, &export)?;
    /// assert!(file.export_keys().await? == export);
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The file exists or cannot be created, or a key is disabled although its client is enabled, which only in-memory
    /// stores support.
    pub fn create_from_export(
        path: impl AsRef<Path>,
        export: &Export,
    ) -> Result<Self, ManageError> {
        let path = path.as_ref();
        let text = Self::from_file(KeyFile::text(NEW_FILE.as_bytes(), Layout::Own)?);
        let text = text.written(path, NEW_FILE.as_bytes(), export)?;
        create(path, text.as_bytes()).map_err(|kind| edit_error(path, kind))?;
        Ok(Self::open(path)?)
    }

    /// Returns a handle that checks changes against the current file without making them. Each change succeeds or is
    /// refused as usual, but nothing is written and no lock is taken.
    ///
    /// It does not check whether the file can be replaced: see [`YamlStore::check_writable`].
    #[must_use]
    pub fn dry_run(&self) -> Self {
        Self { is_dry_run: true, ..self.clone() }
    }

    /// Checks, without changing anything, that this process may lock and replace the file.
    ///
    /// # Errors
    ///
    /// The store has no file, the file has another owner or a further hard link, is mounted without its folder, or this
    /// process may not write to its folder.
    pub fn check_writable(&self) -> Result<(), ManageError> {
        let path = self.editable_path()?;
        check_writable(self.file.absolute_path().unwrap_or(path))
            .map_err(|kind| edit_error(path, kind))
    }

    /// Returns a handle whose changes are made under this name.
    ///
    /// # Errors
    ///
    /// The name breaks the rules of labels: see [`NewKey::with_label`].
    pub fn for_actor(&self, actor: &str) -> Result<Self, ManageError> {
        Ok(Self { keys: self.keys.for_actor(actor)?, ..self.clone() })
    }

    /// Returns a handle whose changes are refused if the client or key no longer has this version: see
    /// [`ManageKeys::if_version`](crate::ManageKeys::if_version). The version is compared with the file.
    #[must_use]
    pub fn if_version(&self, version: Version) -> Self {
        Self { keys: self.keys.if_version(version), ..self.clone() }
    }

    /// Adds a client, enabled and without keys.
    ///
    /// # Errors
    ///
    /// A client of this name exists, the profile breaks a rule, or the file cannot be changed.
    pub fn add_client(&self, profile: impl Into<ClientProfile>) -> Result<ClientInfo, ManageError> {
        let profile = profile.into();
        self.change(|keys| keys.add_client(&profile))
    }

    /// Changes the title, scopes, networks, quota or metadata of a client. Everything that the change does not name
    /// stays, and so does its text in the file.
    ///
    /// # Errors
    ///
    /// There is no client of this name, the profile would break a rule, or the file cannot be changed.
    #[allow(clippy::needless_pass_by_value)] // The signature of the trait.
    pub fn update_client(
        &self,
        name: &str,
        change: ClientChange,
    ) -> Result<ClientInfo, ManageError> {
        self.change(|keys| keys.update_client(name, change.clone()))
    }

    /// Enables a client, so that its keys work again. Enabling an enabled client changes nothing.
    ///
    /// # Errors
    ///
    /// There is no client of this name, or the file cannot be changed.
    pub fn enable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.change(|keys| keys.enable_client(name))
    }

    /// Disables a client: its keys are refused until it is enabled again. Disabling a disabled client
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// There is no client of this name, or the file cannot be changed.
    pub fn disable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.change(|keys| keys.disable_client(name))
    }

    /// Removes a disabled client with all its keys, including revoked ones.
    ///
    /// This store refuses to add these keys again. But the file keeps no trace of them, so an editor or another process
    /// can add them again.
    ///
    /// # Errors
    ///
    /// No client of this name exists, it is still enabled, or the file cannot be changed.
    pub fn remove_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.change(|keys| keys.remove_client(name))
    }

    /// Returns the clients, sorted by name.
    pub fn list_clients(&self) -> Vec<ClientInfo> {
        self.keys.list_clients()
    }

    /// Adds a key to a client, stored as a digest. A key of a disabled client is refused until the client
    /// is enabled.
    ///
    /// # Errors
    ///
    /// No client of this name exists; the store holds this key or one with the same id; the expiry has
    /// passed; the label breaks a rule; or the file cannot be changed.
    #[allow(clippy::needless_pass_by_value)] // The signature of the trait.
    pub fn issue(&self, client: &str, key: NewKey) -> Result<KeyInfo, ManageError> {
        self.change(|keys| keys.issue(client, key.clone()))
    }

    /// Changes the label, expiry, scopes or networks of a key. Everything that the change does not name stays, and so
    /// does its text in the file. A plaintext key is replaced with its digest.
    ///
    /// # Errors
    ///
    /// No key with this id exists; the label breaks a rule; the client lacks a new scope or network of the key; the new
    /// expiry has passed or is not after the beginning; the key was revoked or has expired, and the change names another
    /// expiry; or the file cannot be changed.
    #[allow(clippy::needless_pass_by_value)] // The signature of the trait.
    pub fn update_key(&self, key_id: &KeyId, change: KeyChange) -> Result<KeyInfo, ManageError> {
        self.change(|keys| keys.update_key(key_id, change.clone()))
    }

    /// Revokes a key permanently. Revoking a revoked key changes nothing. A plaintext key is replaced with
    /// its digest.
    ///
    /// # Errors
    ///
    /// No key with this id exists, or the file cannot be changed.
    pub fn revoke(&self, key_id: &KeyId) -> Result<KeyInfo, ManageError> {
        self.change(|keys| keys.revoke(key_id))
    }

    /// Replaces a key with a new one of the same client, in one step. The new key works at once; the old key
    /// expires after `grace`, or at its own expiry if that is earlier. With a grace of zero it expires now.
    ///
    /// The new key inherits the old key's label, unless it has one, and [the old key's
    /// lifetime](KeyInfo::inherited_lifetime), unless it has its own [`Expiry`](crate::manage::Expiry).
    ///
    /// # Errors
    ///
    /// No key with this id exists; the key was revoked, has expired, or was already replaced; or the new key
    /// is refused, as in [`YamlStore::issue`].
    #[allow(clippy::needless_pass_by_value)] // The signature of the trait.
    pub fn rotate(
        &self,
        key_id: &KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> Result<Rotated, ManageError> {
        self.change(|keys| keys.rotate(key_id, successor.clone(), grace))
    }

    /// Removes the keys that a purge selects, with their lines, and returns them, sorted by client and then by creation time.
    ///
    /// This store refuses to add them again. But the file keeps no trace of them, so an editor or another process can
    /// add them again.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn purge_keys(&self, purge: &PurgeKeys) -> Result<Vec<KeyInfo>, ManageError> {
        if purge.is_dry_run() && !self.is_dry_run {
            return self.dry_run().purge_keys(purge);
        }
        self.change(|keys| keys.purge_keys(purge))
    }

    /// Returns the rules for the lifetimes of keys, the field `policy` of the file.
    pub fn policy(&self) -> Policy {
        self.keys.policy()
    }

    /// Changes the rules for the lifetimes of keys, and returns them. Everything that the change does not name stays.
    /// Existing keys are not changed.
    ///
    /// # Errors
    ///
    /// A lifetime of the policy would be out of range, or the file cannot be changed.
    pub fn update_policy(&self, change: impl Into<PolicyChange>) -> Result<Policy, ManageError> {
        let change = change.into();
        self.change(|keys| keys.update_policy(change.clone()))
    }

    /// Returns the keys of one client or of all, including revoked and expired ones, sorted by client and
    /// then by creation time.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    pub fn list_keys(&self, client: Option<&str>) -> Result<Vec<KeyInfo>, ManageError> {
        self.keys.list_keys(client)
    }

    /// Returns a page of the clients that a query selects, sorted by name. Visits every key of the store, and the
    /// clients up to the end of the page.
    ///
    /// # Errors
    ///
    /// The cursor is not from a page of clients.
    pub fn clients(&self, query: &ClientQuery) -> Result<Page<ClientInfo>, ManageError> {
        self.keys.clients(query)
    }

    /// Returns a page of the keys that a query selects, in its order. Visits every key of the store.
    ///
    /// # Errors
    ///
    /// The store does not have the client of the query, or the cursor is not from a page of keys in the same order.
    pub fn keys(&self, query: &KeyQuery) -> Result<Page<KeyInfo>, ManageError> {
        self.keys.keys(query)
    }

    /// Replaces the plaintext keys in the file with their digests, and returns their number. The keys keep
    /// working.
    ///
    /// Version control and backups still contain the old text.
    ///
    /// # Errors
    ///
    /// One of the keys also appears elsewhere in the file, or the file cannot be changed.
    pub fn hash_keys(&self) -> Result<usize, ManageError> {
        let mut count = 0;
        self.edit(|_| Ok(()), |edit| count = edit.hash_keys())?;
        Ok(count)
    }
}
