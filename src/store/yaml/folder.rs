use std::fmt;
use std::path::Path;

use super::key_file::KeyFile;
use super::layout::Layout;
use super::{KeyFileError, KeyFileEvent, KeyFileHealth, KeyFileWarning, ReloadError, YamlStore};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::{KeyRecord, LocalKeyStore};

mod reading;

pub(super) use reading::{files, parse, read};

/// Keys in a folder with a file for each client, as Kubernetes and Docker mount secrets.
///
/// The name of a file is the name of the client, and each line of it is a key, or the digest of one (`sha256:...`). Empty
/// lines are skipped. Names that begin with `..` are skipped: Kubernetes keeps its own links under them. Every other
/// entry is read or refused, including folders. The rules for keys and names are those of [`YamlStore`]. Weak keys,
/// keys in quotes, lines that begin with `#`, and files whose names look like keys are refused.
///
/// ```
/// use keygate::store::FolderStore;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// std::fs::write(folder.join("User 1"), "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n")?;
/// let store = FolderStore::open(folder)?;
/// assert_eq!((store.len(), store.profiles()[0].name()), (1, "User 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The store is a handle: clones share their keys. It cannot change the files.
#[derive(Clone)]
pub struct FolderStore(YamlStore);

impl FolderStore {
    /// Loads a folder. An empty folder is valid: every request is refused.
    ///
    /// # Errors
    ///
    /// The folder or a file in it cannot be read; an entry is not a regular file; the files have more than 1 GiB in all; the
    /// name of a file is not a valid name of a client; or a key is refused. The error has the path of the file and the
    /// line, and shows no key.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        Ok(Self(YamlStore::from_file(KeyFile::open(path.as_ref(), Layout::Folder)?)))
    }

    /// Loads a folder and follows it, as [`YamlStore::watch`] follows a file: files may be changed, added and removed, and
    /// the link `..data` of Kubernetes may be switched to a new folder.
    ///
    /// A folder that is missing, has a fault, or has lost all its keys is not loaded, and the store keeps its keys.
    ///
    /// # Errors
    ///
    /// As for [`FolderStore::open`], or no thread could be started.
    pub fn watch(
        path: impl AsRef<Path>,
        events: impl Fn(KeyFileEvent) + Send + Sync + 'static,
    ) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        Self::open(path)?.0.with_events(events).followed(path).map(Self)
    }

    /// Loads the folder again, even if it has lost all its keys.
    ///
    /// # Errors
    ///
    /// As for [`FolderStore::open`]. The store then keeps its old content.
    pub fn reload(&self) -> Result<(), ReloadError> {
        self.0.reload()
    }

    /// Returns whether the store is up to date with its folder, and the reason if it is not.
    pub fn health(&self) -> KeyFileHealth {
        self.0.health()
    }

    /// Returns the problems that do not keep the folder from being loaded.
    pub fn warnings(&self) -> Vec<KeyFileWarning> {
        self.0.warnings()
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no keys, so that every request is refused.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the clients, sorted by name.
    pub fn profiles(&self) -> Vec<ClientProfile> {
        self.0.profiles()
    }
}

impl LocalKeyStore for FolderStore {
    #[inline]
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        self.0.find(digest)
    }
}

/// Shows the numbers of keys and clients, and the warnings.
impl fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("FolderStore");
        shown.field("keys", &self.len()).field("clients", &self.0.client_count());
        shown.field("warnings", &self.warnings()).finish()
    }
}
