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
mod edit;
mod error;
mod events;
mod fault;
mod file;
mod health;
mod input;
mod key_file;
mod lint;
mod manage_keys;
mod managing;
mod parse;
mod report;
mod syntax;
mod text;
#[cfg(feature = "tracing")]
mod trace;
mod transfer;
#[cfg(feature = "watch")]
mod watch;

pub use error::{YamlError, YamlWarning};
pub use health::{ReloadError, YamlHealth};
use key_file::KeyFile;
pub use lint::YamlLint;
pub use report::YamlEvent;
pub use text::{YamlText, YamlTextKind};

/// Between two readings that must agree before a text counts as whole.
const PAUSE: Duration = Duration::from_millis(50);

/// Keys and their clients in a YAML file.
///
/// ```yaml
/// api_keys:
///     08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
///     ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: User 2
/// ```
///
/// Each entry of `api_keys` is a key and the name of its client; a client may have several keys.
/// `api_key: KEY` alone gives one key to a client called `default`. What there is to say of a client
/// besides, and keys of which the file holds only the digest, stand in `clients`:
///
/// ```yaml
/// clients:
///   App 1:
///     enabled: true                # all keys are refused where this is false
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
/// A key that was rotated says `replaced_by` and the id of the other; one that was revoked says
/// `revoked` and when. Times are those of RFC 3339, with an offset. A file may hold all these forms; a
/// client that is named in several is one client. A file without any key loads, and every request is
/// refused.
///
/// A key is the text that stands in the file, also where it looks like a number or a date. `null` and `~`
/// are no texts unless they are in quotes; without, they may be the whole value of `api_keys`, `clients`,
/// one client and its `keys`, which then hold nothing.
/// `allow_weak_keys: true` lets weak keys in, with a warning each: keys shorter than 16 characters or of
/// fewer than 6 different ones, simple sequences, and templates that nothing fills in. `version: 1`
/// may say of which version the file is; a later one is refused.
///
/// Everything else is refused, with its line and column and without showing what stands there: other
/// fields, texts that run over several lines, anchors, aliases and tags, several documents, nesting deeper than any key file needs, the
/// same key twice, and keys that no request could present. A file may have one gibibyte.
///
/// The text of the file is overwritten in memory when it has been read; what stays are digests, names
/// and what else is said of clients and keys. The store is a handle: cloning it is cheap, and clones
/// share what they hold.
///
/// # Changing the file
///
/// A store that was opened from a path has the methods of [`ManageKeys`](crate::ManageKeys). They change
/// the file and this store before they answer. What is not concerned, stays as it is in the file: comments, order,
/// quotes, blank lines. The file is replaced as a whole, by one of the same owner and mode; a symbolic
/// link stays one. Processes that edit the same file wait for each other, by a lock in a file beside it,
/// `.NAME.lock`, which stays there. A change costs
/// about 1.4 ms for the disk and 13 us for each key in the file (measured: 0.13 s at 10,000 keys).
///
/// JSON and other flow style (between brackets) is read and not edited: a change inside of it is refused
/// with [`ManageError::NotEditable`](crate::manage::ManageError::NotEditable). The scopes, quota and metadata of a
/// client may be in flow style, and empty brackets are filled.
///
/// Other processes see the change when they read the file: see `YamlStore::watch` (feature `watch`) and
/// [`YamlStore::reload`].
///
/// # Limits
///
/// Access control lists and extended attributes of the file do not go over to the new one. Editors that
/// know nothing of the lock may overwrite a change, as they may each other's.
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
/// assert_eq!(store.clients()[0].name(), "User 1");
/// # Ok::<(), keygate::store::YamlError>(())
/// ```
#[derive(Clone)]
pub struct YamlStore {
    keys: MemoryStore,
    origin: Arc<KeyFile>,
    is_dry_run: bool,
}

impl YamlStore {
    /// Loads a file.
    ///
    /// # Errors
    ///
    /// The file is missing, cannot be read, is not a regular file, was replaced outside of its mount, or is
    /// not a valid key file. The error says where, what and what to do, and shows no text of the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, YamlError> {
        let origin = KeyFile::open(path.as_ref())?;
        Ok(Self { keys: origin.keys().clone(), origin: Arc::new(origin), is_dry_run: false })
    }

    /// Loads what a reader gives, to its end.
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`].
    pub fn from_reader(reader: impl Read) -> Result<Self, YamlError> {
        let text = input::read(reader, 0).map_err(|fault| YamlError::new(None, fault))?;
        Self::from_text(&text)
    }

    fn from_text(text: &[u8]) -> Result<Self, YamlError> {
        let origin = KeyFile::text(text)?;
        Ok(Self { keys: origin.keys().clone(), origin: Arc::new(origin), is_dry_run: false })
    }

    /// Reads the file again, and takes what it holds, whatever it is.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is not a valid key file, or the store was not opened from one. The
    /// store then keeps what it holds.
    pub fn reload(&self) -> Result<(), ReloadError> {
        self.origin.reload()
    }

    /// Whether the store holds what the file says, and if not, since when and why.
    pub fn health(&self) -> YamlHealth {
        self.origin.health()
    }

    /// What is legal in the file and should be mended all the same.
    pub fn warnings(&self) -> Vec<YamlWarning> {
        self.origin.warnings()
    }

    /// Replaces the clock by which keys are issued, rotated and revoked, for all clones.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { keys: self.keys.with_clock(clock), ..self }
    }

    /// How many keys there are, revoked ones aside.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no keys, so that every request is refused.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// When the next of the keys that work expires after this time.
    #[cfg(feature = "metrics")]
    pub(crate) fn next_expiry(&self, now: SystemTime) -> Option<SystemTime> {
        self.keys.next_expiry(now)
    }

    /// How many clients there are.
    pub fn client_count(&self) -> usize {
        self.keys.client_count()
    }

    /// The clients, in the order of their names.
    pub fn clients(&self) -> Vec<ClientProfile> {
        self.keys.clients()
    }
}

impl FromStr for YamlStore {
    type Err = YamlError;

    /// Loads a text.
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text.as_bytes())
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
