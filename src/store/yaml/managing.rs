use std::path::Path;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::edit::{Edit, Outline, Value};
use super::fault::Fault;
use super::file::{EditFault, Lock, Replaced, Target, create, edit_error, replace};
use super::key_file::load;
use super::parse::Parsed;
use super::{PAUSE, YamlError, YamlStore, input};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::{KeyDigest, KeyId, rfc3339};
use crate::manage::{ClientInfo, KeyInfo, ManageError, NewKey, Rotated};
use crate::store::MemoryStore;

/// How often an edit begins anew because somebody else has changed the file meanwhile.
const ATTEMPTS: usize = 10;

const NEW_FILE: &str = "\
# The keys of a service, for keygate: `keygate client add NAME`, `keygate key issue NAME`.
version: 1
clients:
";

/// The methods of [`ManageKeys`](crate::ManageKeys), without a future: they wait for the disk.
impl YamlStore {
    /// Makes a new file without keys, for its owner alone, and opens it.
    ///
    /// # Errors
    ///
    /// There is a file of this name, or none can be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, ManageError> {
        let path = path.as_ref();
        create(path, NEW_FILE.as_bytes()).map_err(|fault| edit_error(path, fault))?;
        Ok(Self::open(path)?)
    }

    /// Returns a handle whose changes are tried on the text of the file and not made: they succeed or are
    /// refused as they would be, and nothing is written or waited for.
    ///
    /// Whether the file can be replaced is not tried.
    #[must_use]
    pub fn dry_run(&self) -> Self {
        Self { is_dry_run: true, ..self.clone() }
    }

    /// Adds a client, enabled and without keys.
    ///
    /// # Errors
    ///
    /// There is a client of this name, the profile breaks a rule, or the file cannot be changed.
    pub fn add_client(&self, profile: impl Into<ClientProfile>) -> Result<ClientInfo, ManageError> {
        let profile = profile.into();
        self.change(
            |keys| keys.add_client(&profile),
            |edit, _, _| edit.add_client(profile.name(), Value::client(&profile)),
        )
    }

    /// Lets the keys of a client in again. Enabling an enabled client changes nothing.
    ///
    /// # Errors
    ///
    /// There is no client of this name, or the file cannot be changed.
    pub fn enable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.change(|keys| keys.enable_client(name), |edit, _, _| edit.set_enabled(name, true))
    }

    /// Refuses all keys of a client until it is enabled again. Disabling a disabled client changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// There is no client of this name, or the file cannot be changed.
    pub fn disable_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.change(|keys| keys.disable_client(name), |edit, _, _| edit.set_enabled(name, false))
    }

    /// Removes a client and forgets its keys, the marks of revoked ones included.
    ///
    /// # Errors
    ///
    /// There is no client of this name, it is still enabled, or the file cannot be changed.
    pub fn remove_client(&self, name: &str) -> Result<ClientInfo, ManageError> {
        self.change(|keys| keys.remove_client(name), |edit, _, _| edit.remove_client(name))
    }

    /// The clients, in the order of their names.
    pub fn list_clients(&self) -> Vec<ClientInfo> {
        self.keys.list_clients()
    }

    /// Adds a key to a client, as a digest. One of a disabled client is refused until the client is
    /// enabled.
    ///
    /// # Errors
    ///
    /// There is no client of this name; the store holds this key or one with the same id; the expiry
    /// has passed; the label breaks a rule; or the file cannot be changed.
    #[allow(clippy::needless_pass_by_value)] // As in the trait.
    pub fn issue(&self, client: &str, key: NewKey) -> Result<KeyInfo, ManageError> {
        self.change(
            |keys| keys.issue(client, key.clone()),
            |edit, issued, _| edit.add_key(client, fields_of(issued, key.digest())),
        )
    }

    /// Revokes a key, for good. Revoking a key again changes nothing. One of the short forms becomes a
    /// digest.
    ///
    /// # Errors
    ///
    /// There is no key with this id, or the file cannot be changed.
    pub fn revoke(&self, key_id: &KeyId) -> Result<KeyInfo, ManageError> {
        self.change(
            |keys| keys.revoke(key_id),
            |edit, revoked, digest| {
                let at =
                    revoked.revoked.map(|at| ("revoked".to_owned(), Value::Raw(rfc3339::text(at))));
                edit.set_key(digest(*key_id), at.into_iter().collect());
            },
        )
    }

    /// Replaces a key by another of the same client, in one step: the new one works, and the old one
    /// expires after `grace`, or earlier if it would have anyway. A grace of zero ends it now.
    ///
    /// The new key has the old one's label unless it brings its own, and [the old one's
    /// lifetime](KeyInfo::inherited_expiry) unless it brings its own [`Expiry`](crate::manage::Expiry).
    ///
    /// # Errors
    ///
    /// There is no key with this id; the key was revoked, has expired, or is being replaced already;
    /// and all that can be wrong with the new key, as in [`YamlStore::issue`].
    #[allow(clippy::needless_pass_by_value)] // As in the trait.
    pub fn rotate(
        &self,
        key_id: &KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> Result<Rotated, ManageError> {
        self.change(
            |keys| keys.rotate(key_id, successor.clone(), grace),
            |edit, rotated, digest| {
                let replaced = Value::Raw(rotated.new.key_id.to_string());
                let end = rotated.old.expires;
                let end = end.map(|end| ("expires".to_owned(), Value::Raw(rfc3339::text(end))));
                let replaced = [("replaced_by".to_owned(), replaced)];
                edit.set_key(digest(*key_id), replaced.into_iter().chain(end).collect());
                edit.add_key(&rotated.new.client, fields_of(&rotated.new, successor.digest()));
            },
        )
    }

    /// The keys of one client or of all, revoked and expired ones included, in the order of clients
    /// and then of creation.
    ///
    /// # Errors
    ///
    /// There is no client of this name.
    pub fn list_keys(&self, client: Option<&str>) -> Result<Vec<KeyInfo>, ManageError> {
        self.keys.list_keys(client)
    }

    /// Turns the keys that stand in the file as they are into digests, and says how many there were.
    /// The same keys go on working.
    ///
    /// Version control and backups still hold the old text.
    ///
    /// # Errors
    ///
    /// One of the keys stands somewhere else in the file too, or the file cannot be changed.
    pub fn hash_keys(&self) -> Result<usize, ManageError> {
        let mut count = 0;
        self.change(|_| Ok(()), |edit, (), _| count = edit.hash())?;
        Ok(count)
    }

    /// Changes the file and what is held here: `change` what the file holds, in memory, and `write` the
    /// same into its text. What comes of both must be the same.
    pub(super) fn change<T>(
        &self,
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
        mut write: impl FnMut(&mut Edit<'_>, &T, &dyn Fn(KeyId) -> KeyDigest),
    ) -> Result<T, ManageError> {
        let Some(path) = self.origin.path() else {
            return Err(ManageError::ReadOnly {
                why: "it was made from a text: open a file to have one that can be changed",
            });
        };
        let fault = |fault| edit_error(path, fault);
        let yaml = |fault| ManageError::from(YamlError::new(Some(path), fault));
        let file = self.origin.file().unwrap_or(path);
        if self.is_dry_run {
            let text = input::read_regular(file).map_err(yaml)?;
            return Ok(self.edit(path, &text, &change, &mut write)?.0);
        }
        let (target, lock) =
            Target::lock(file, &|event| self.origin.reporter().report(event)).map_err(fault)?;
        let _turn = self.origin.turn();
        for _ in 0..ATTEMPTS {
            let text = settled(&target, &lock).map_err(yaml)?;
            let (answer, new, loaded) = self.edit(path, &text, &change, &mut write)?;
            let replaced = if new.as_bytes() == &**text {
                Replaced::Done
            } else {
                lock.leave(KeyDigest::of(new.as_bytes()));
                replace(&target, &text, new.as_bytes()).map_err(fault)?
            };
            if replaced != Replaced::Changed {
                self.origin.adopt(&mut self.origin.lock(), KeyDigest::of(new.as_bytes()), &loaded);
            }
            match replaced {
                Replaced::Done => return Ok(answer),
                Replaced::Unsynced(error) => return Err(fault(EditFault::Sync(error))),
                Replaced::Changed => {}
            }
        }
        Err(fault(EditFault::Restless))
    }

    /// The text of a file with a change in it, and what that text holds.
    fn edit<T>(
        &self,
        path: &Path,
        text: &[u8],
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
        mut write: impl FnMut(&mut Edit<'_>, &T, &dyn Fn(KeyId) -> KeyDigest),
    ) -> Result<(T, Zeroizing<String>, Parsed), ManageError> {
        let fault = |fault| edit_error(path, fault);
        let yaml = |fault| ManageError::from(YamlError::new(Some(path), fault));
        let digest = KeyDigest::of(text);
        let keys = if self.origin.digest() == digest {
            self.keys.fork()
        } else {
            let keys = load(text).map_err(yaml)?.keys;
            let checked = self.origin.check(&self.origin.lock(), digest, &keys);
            checked.map_err(|error| ManageError::Unavailable(StoreError::new(error)))?;
            self.keys.share_clock(&keys);
            keys
        };
        let answer = change(&keys)?;

        let edited = {
            let outline = Outline::of(input::utf8(text).map_err(yaml)?).map_err(yaml)?;
            let mut edit = Edit::of(&outline);
            let digest = |key_id| keys.digest_of(key_id).expect("a key that was changed is there");
            write(&mut edit, &answer, &digest);
            edit.finish().map_err(fault)?
        };
        let loaded = load(edited.as_bytes()).map_err(|_| fault(EditFault::Layout))?;
        if !loaded.keys.holds_the_same(&keys) {
            return Err(fault(EditFault::Layout));
        }
        Ok((answer, edited, loaded))
    }
}

/// What the file says when nobody is writing it: what the last edit left, or what has been there for
/// a while.
fn settled(target: &Target, lock: &Lock) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut text = input::read_target(target)?;
    for _ in 0..ATTEMPTS {
        let modified = target.open().and_then(|file| file.metadata()?.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > PAUSE) || lock.left() == Some(KeyDigest::of(&text)) {
            break;
        }
        thread::sleep(PAUSE);
        let again = input::read_target(target)?;
        if *again == *text {
            break;
        }
        text = again;
    }
    Ok(text)
}

/// What a file says of a new key.
fn fields_of(key: &KeyInfo, digest: KeyDigest) -> Vec<(String, Value)> {
    let mut fields = vec![("digest".to_owned(), Value::Raw(digest.to_text()))];
    let label = key.label.as_deref().map(Value::text);
    let [created, expires] =
        [key.created, key.expires].map(|at| at.map(|at| Value::Raw(rfc3339::text(at))));
    let others = [("label", label), ("created", created), ("expires", expires)];
    fields.extend(others.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    fields
}
