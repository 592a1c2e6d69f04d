use std::fmt;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{LocalKeyStore, MemoryStore};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::KeyRecord;

mod blocking;
mod changes;
mod edit;
mod error;
mod event_log;
mod event_sink;
mod events;
mod facts;
mod file;
mod folder;
mod health;
mod key_file;
mod layout;
mod lint;
mod load_error;
mod manage_keys;
mod managing;
mod node;
mod options;
mod outline;
mod parse;
mod position;
mod read;
mod report;
mod rewrite;
#[cfg(feature = "serde")]
mod section;
mod syntax;
mod text;
mod value;
mod watch;

pub use error::{KeyFileError, KeyFileWarning};
pub use folder::FolderStore;
pub use health::{KeyFileHealth, ReloadError};
use key_file::KeyFile;
use layout::Layout;
pub use lint::YamlLint;
pub use options::YamlOptions;
pub use report::KeyFileEvent;
#[cfg(feature = "serde")]
pub use section::Keys;
pub use text::{YamlText, YamlTextKind};

/// A text is considered complete if it has not changed for this long.
const STABLE_AFTER: Duration = Duration::from_millis(50);

/// Keys and their clients in a YAML file.
///
/// ```yaml
/// api_keys:
///     08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
///     ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: User 2
/// ```
///
/// Each entry of `api_keys` is a key and the name of its client; a client may have several keys. `api_key: KEY` adds
/// one key of a client named `default`. The settings of clients, and keys stored as digests, belong in `clients`:
///
/// ```yaml
/// clients:
///   App 1:
///     enabled: true                # false refuses all keys of the client
///     scopes: [orders:read]
///     quota: 100/minute            # or {rate: 100/minute, burst: 20}, a list of these, or unlimited
///     metadata: {team: billing}
///     keys:
///       - digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
///         label: production
///         created: 2026-11-23T10:00:00Z
///         expires: 2027-01-31T00:00:00Z
/// ```
///
/// A rotated key has the field `replaced_by` with the id of the new key; a revoked key has the field
/// `revoked` with a time. Times are written as in RFC 3339, with an offset. A file may mix both forms, and
/// the same name is the same client in both. A file without keys is valid: every request is refused.
///
/// A key is the text as written, even if it looks like a number or a date. `null` and `~` are texts only in quotes.
/// Without quotes they mean an empty value, which is allowed for `api_keys`, `clients`, a client and its `keys`.
/// `allow_weak_keys: true` accepts weak keys, with a warning for each: keys with fewer than 16 characters or fewer than
/// 6 different ones, simple sequences, and unfilled templates. The optional `version: 1` is the version of the file
/// format; later versions are refused.
///
/// Everything else is refused with its line and column, and without showing the text: unknown fields, texts
/// that span several lines, anchors, aliases and tags, several documents, deep nesting, duplicate keys, and
/// keys that no request could present. A file has at most one gibibyte.
///
/// The text of the file is overwritten in memory after it was read; the store keeps digests, names and the
/// fields of clients and keys. The store is a handle: cloning it is cheap, and clones share their keys.
///
/// # An application's own file
///
/// Keys may be in a file with other settings: see [`YamlOptions::embedded`].
///
/// # Changing the file
///
/// A store that was opened from a path has the methods of [`ManageKeys`](crate::ManageKeys). They return once both the
/// file and this store have changed. Everything else in the file stays as it is: comments, order, quotes, blank lines.
/// The file is replaced atomically, with the same owner and mode; symbolic links are kept. Processes that edit the same
/// file wait for each other, with a lock on the file `.NAME.lock` beside it, which is never removed. A change takes
/// about 1.4 ms for the disk and 13 us for each key in the file (measured: 0.13 s at 10,000 keys).
///
/// JSON and other flow style (between brackets) is read but not edited: a change inside it is refused with
/// [`ManageError::NotEditable`](crate::manage::ManageError::NotEditable). The scopes, quota and metadata of
/// a client may be in flow style, without comments between the brackets, and empty brackets are filled. A change is
/// refused in the same way if the name of the entry is written as `? name`, or if the first dash of the list, or the dash
/// of a removed key, is alone on its line. `keygate export` writes all of them in a form that can be edited.
///
/// Other processes see a change when they read the file: see [`YamlStore::watch`] and
/// [`YamlStore::reload`].
///
/// # Limits
///
/// Access control lists and extended attributes of the file are lost when it is edited. Editors that ignore
/// the lock may overwrite a change.
///
/// ```
/// use keygate::YamlStore;
///
/// let store: YamlStore = "
/// api_keys:
///     08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
///     ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: User 2
/// ".parse()?;
/// assert_eq!((store.len(), store.client_count()), (2, 2));
/// assert_eq!(store.profiles()[0].name(), "User 1");
/// # Ok::<(), keygate::store::KeyFileError>(())
/// ```
#[derive(Clone)]
pub struct YamlStore {
    keys: MemoryStore,
    file: Arc<KeyFile>,
    is_dry_run: bool,
    /// The log of changes, if they are recorded.
    event_log: Option<Arc<Path>>,
}

impl YamlStore {
    /// Loads a file.
    ///
    /// # Errors
    ///
    /// The file is missing, cannot be read, is not a regular file, was replaced outside its mount, or is not
    /// a valid key file. The error has the position and a hint, and shows no text of the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        Self::options().open(path)
    }

    /// Loads the text of a reader, up to its end.
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`].
    pub fn from_reader(reader: impl Read) -> Result<Self, KeyFileError> {
        let text = read::read_all(reader, 0).map_err(|error| KeyFileError::new(None, error))?;
        Ok(Self::from_file(KeyFile::text(&text, Layout::Own)?))
    }

    fn from_file(file: KeyFile) -> Self {
        Self { keys: file.keys.clone(), file: Arc::new(file), is_dry_run: false, event_log: None }
    }

    /// Returns whether a folder contains the file. A store without a file is in no folder.
    #[cfg(all(feature = "usage", feature = "sqlite"))]
    pub(crate) fn is_in(&self, folder: &Path) -> std::io::Result<bool> {
        self.file.absolute_path().map_or(Ok(false), |path| super::usage::is_in(path, folder))
    }

    /// Loads the file again, even if it has lost all its keys or restores a revoked one.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is not a valid key file, or the store was not opened from a file. The
    /// store then keeps its old content.
    pub fn reload(&self) -> Result<(), ReloadError> {
        self.file.reload()
    }

    /// Returns whether the store is up to date with its file, and the reason if it is not.
    pub fn health(&self) -> KeyFileHealth {
        self.file.health()
    }

    /// Returns the problems in the file that do not prevent loading it.
    pub fn warnings(&self) -> Vec<KeyFileWarning> {
        self.file.warnings()
    }

    /// Replaces the clock used to issue, rotate and revoke keys, for all clones.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { keys: self.keys.with_clock(clock), ..self }
    }

    /// Returns the number of keys, without revoked ones.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there are no keys, so that every request is refused.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the earliest expiry after `now` of all active keys.
    #[cfg(feature = "metrics")]
    pub(crate) fn next_expiry(&self, now: SystemTime) -> Option<SystemTime> {
        self.keys.next_expiry(now)
    }

    /// Returns the number of clients.
    pub fn client_count(&self) -> usize {
        self.keys.client_count()
    }

    /// Returns the clients, sorted by name.
    pub fn profiles(&self) -> Vec<ClientProfile> {
        self.keys.profiles()
    }
}

impl FromStr for YamlStore {
    type Err = KeyFileError;

    /// Loads a text.
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::options().parse(text)
    }
}

impl LocalKeyStore for YamlStore {
    #[inline]
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        self.keys.find(digest)
    }
}

impl fmt::Debug for YamlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YamlStore")
            .field("keys", &self.len())
            .field("clients", &self.client_count())
            .field("warnings", &self.warnings())
            .finish()
    }
}
