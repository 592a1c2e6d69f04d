use std::path::Path;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::changes::{write_changes, write_policy};
use super::edit::{Edit, Outline};
use super::file::{EditErrorKind, Lock, Replaced, Target, create, edit_error, replace};
use super::key_file::load;
use super::load_error::LoadError;
use super::parse::Parsed;
use super::{STABLE_AFTER, YamlError, YamlStore, event_log, read};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::{KeyDigest, KeyId, Timestamp};
use crate::manage::{
    ClientChange, ClientInfo, ClientQuery, KeyChange, KeyInfo, KeyQuery, ManageError, NewKey, Page,
    Policy, Rotated, Version,
};
use crate::store::MemoryStore;

/// How often an edit is tried again because another process has changed the file.
const ATTEMPTS: usize = 10;

const NEW_FILE: &str = "\
# The keys of a service, for keygate: `keygate client add NAME`, `keygate key issue NAME`.
version: 1
clients:
";

/// The result of a change, before it is written.
struct Edited<T> {
    changed: T,
    new: Zeroizing<String>,
    parsed: Parsed,
    /// The lines for the log of changes.
    events: String,
}

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

    /// Returns a handle that checks changes against the current file without making them. Each change succeeds or is
    /// refused as usual, but nothing is written and no lock is taken.
    ///
    /// It does not check whether the file can be replaced.
    #[must_use]
    pub fn dry_run(&self) -> Self {
        Self { is_dry_run: true, ..self.clone() }
    }

    /// Returns a handle whose changes are made under this name.
    ///
    /// # Errors
    ///
    /// The name breaks the rules of labels: see [`NewKey::with_label`].
    pub fn for_actor(&self, actor: &str) -> Result<Self, ManageError> {
        Ok(Self { keys: self.keys.for_actor(actor)?, ..self.clone() })
    }

    /// Returns a handle whose changes are refused if what they change no longer has this version: see
    /// [`ManageKeys::if_version`](crate::ManageKeys::if_version). It is compared with the file.
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

    /// Changes the title, scopes, networks, quota or metadata of a client. What the change does not name stays, in the text
    /// of the file, too.
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

    /// Changes the label, expiry, scopes or networks of a key. What the change does not name stays, in the text of the file,
    /// too. A plaintext key is replaced with its digest.
    ///
    /// # Errors
    ///
    /// No key with this id exists; the label breaks a rule; the client lacks a new scope or network of the key; the new
    /// expiry has passed; the key was revoked or has expired, and the change names another expiry; or the file cannot be
    /// changed.
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

    /// Returns the rules for the lifetimes of keys, the field `policy` of the file.
    pub fn policy(&self) -> Policy {
        self.keys.policy()
    }

    /// Replaces the rules for the lifetimes of keys. Existing keys are not changed.
    ///
    /// # Errors
    ///
    /// A lifetime of the policy is out of range, or the file cannot be changed.
    pub fn set_policy(&self, policy: Policy) -> Result<Policy, ManageError> {
        self.change(|keys| keys.set_policy(policy))
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

    /// Returns a page of the clients that a query selects, sorted by name. Visits every client and key of the store.
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

    /// Changes the file and this store. `change` is applied to the keys in memory, and the difference is written.
    pub(super) fn change<T>(
        &self,
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
    ) -> Result<T, ManageError> {
        self.edit(change, |_| {})
    }

    /// Changes the file and this store. `rewrite` edits the text without changing the keys.
    fn edit<T>(
        &self,
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
        mut rewrite: impl FnMut(&mut Edit<'_>),
    ) -> Result<T, ManageError> {
        let Some(path) = self.file.path() else {
            return Err(ManageError::ReadOnly {
                why: "the store was created from a text: open a file to be able to change it",
            });
        };
        let edit_error = |kind| edit_error(path, kind);
        let load_error = |error| ManageError::from(YamlError::new(Some(path), error));
        let file = self.file.absolute_path().unwrap_or(path);
        if self.is_dry_run {
            let text = read::read_regular(file).map_err(load_error)?;
            return Ok(self.edited(path, &text, &change, &mut rewrite)?.changed);
        }
        let (target, lock) =
            Lock::acquire(file, &|event| self.file.events.report(event)).map_err(edit_error)?;
        let _lock = self.file.update_lock();
        for _ in 0..ATTEMPTS {
            let text = read_stable(&target, &lock).map_err(load_error)?;
            let Edited { changed, new, parsed, events } =
                self.edited(path, &text, &change, &mut rewrite)?;
            let replaced = if new.as_bytes() == &**text {
                Replaced::Done
            } else {
                lock.record_digest(KeyDigest::of(new.as_bytes()));
                replace(&target, &text, new.as_bytes()).map_err(edit_error)?
            };
            if replaced != Replaced::Changed {
                self.file.adopt(&mut self.file.lock(), KeyDigest::of(new.as_bytes()), &parsed);
                self.append_events(&events);
            }
            match replaced {
                Replaced::Done => return Ok(changed),
                Replaced::Unsynced(error) => return Err(edit_error(EditErrorKind::Sync(error))),
                Replaced::Changed => {}
            }
        }
        Err(edit_error(EditErrorKind::Unstable))
    }

    /// Makes a change in memory and in a text of the file. The keys parsed from the new text must be the changed ones.
    fn edited<T>(
        &self,
        path: &Path,
        text: &[u8],
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
        rewrite: impl FnOnce(&mut Edit<'_>),
    ) -> Result<Edited<T>, ManageError> {
        let edit_error = |kind| edit_error(path, kind);
        let load_error = |error| ManageError::from(YamlError::new(Some(path), error));
        let digest = KeyDigest::of(text);
        let keys = if self.file.digest() == digest {
            self.keys.fork()
        } else {
            let keys = load(text).map_err(load_error)?.keys;
            let checked = self.file.check(&self.file.lock(), digest, &keys);
            checked.map_err(|error| ManageError::Unavailable(StoreError::new(error)))?;
            self.keys.prepare(&keys)
        };
        let before = keys.export();
        let changed = change(&keys)?;
        let after = keys.export();

        let (edited, line) = {
            let outline = Outline::of(read::utf8(text).map_err(load_error)?).map_err(load_error)?;
            let mut edit = Edit::of(&outline);
            write_changes(&mut edit, &before, &after);
            write_policy(&mut edit, before.policy(), after.policy());
            rewrite(&mut edit);
            edit.finish().map_err(edit_error)?
        };
        match load(edited.as_bytes()) {
            Ok(parsed) if parsed.keys.export() == after => {
                let events = self.event_log.as_ref().map_or_else(String::new, |_| {
                    let at = Timestamp::nearest(keys.now());
                    event_log::lines(at, keys.actor(), &before, &after)
                });
                Ok(Edited { changed, new: edited, parsed, events })
            }
            _ => Err(edit_error(EditErrorKind::Layout { line })),
        }
    }
}

/// Reads a file that nobody is writing: its text is the result of the last edit, or has not changed for a while.
fn read_stable(target: &Target, lock: &Lock) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let mut text = read::read_target(target)?;
    for _ in 0..ATTEMPTS {
        let modified = target.open().and_then(|file| file.metadata()?.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        let is_stable = age.is_some_and(|age| age > STABLE_AFTER);
        if is_stable || lock.digest_of_last_edit() == Some(KeyDigest::of(&text)) {
            break;
        }
        thread::sleep(STABLE_AFTER);
        let again = read::read_target(target)?;
        if *again == *text {
            break;
        }
        text = again;
    }
    Ok(text)
}
