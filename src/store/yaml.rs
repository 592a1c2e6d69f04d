use std::fmt;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::{LocalKeyStore, MemoryStore};
use crate::digest::KeyDigest;
use crate::error::StoreError;
use crate::profile::ClientProfile;
use crate::record::KeyRecord;

mod error;
mod events;
mod fault;
mod input;
mod parse;
mod syntax;

pub use error::{YamlError, YamlWarning};
use fault::Fault;

/// Keys and their clients in a YAML file.
///
/// ```yaml
/// api_keys:
///     08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
///     ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: User 2
/// ```
///
/// Each entry of `api_keys` is a key and the name of its client; a client may have several keys.
/// `api_key: KEY` alone gives one key to a client called `default`. A file may hold both. A file
/// without any key loads, and every request is refused.
///
/// A key is the text that stands in the file, also where it looks like a number, a date or `null`.
/// `allow_weak_keys: true` lets keys shorter than 16 characters in, with a warning each.
///
/// Everything else is refused, with its line and column and without showing what stands there: other
/// fields, anchors, aliases and tags, several documents, nesting deeper than any key file needs, the
/// same key twice, and keys that no request could present. A file may have one gibibyte.
///
/// The file is read once. Its text is overwritten in memory afterwards; what stays are digests and
/// names. The store is a handle: cloning it is cheap.
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
/// # Ok::<(), keygate::YamlError>(())
/// ```
#[derive(Clone)]
pub struct YamlStore {
    keys: MemoryStore,
    warnings: Arc<[YamlWarning]>,
}

impl YamlStore {
    /// Loads a file.
    ///
    /// # Errors
    ///
    /// The file is missing, cannot be read, or is not a valid key file. The error says where, what
    /// and what to do, and shows no text of the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, YamlError> {
        let path = path.as_ref();
        input::read_file(path)
            .and_then(|text| Self::load(&text))
            .map_err(|fault| YamlError::new(Some(path), fault))
            .map(|store| store.with_path(path))
    }

    /// Loads what a reader gives, to its end.
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`].
    pub fn from_reader(reader: impl Read) -> Result<Self, YamlError> {
        input::read(reader, 0)
            .and_then(|text| Self::load(&text))
            .map_err(|fault| YamlError::new(None, fault))
    }

    fn load(text: &[u8]) -> Result<Self, Fault> {
        let parsed = parse::parse(input::utf8(text)?)?;
        Ok(Self { keys: parsed.keys, warnings: parsed.warnings.into() })
    }

    fn with_path(self, path: &Path) -> Self {
        let path: Arc<Path> = path.into();
        let warnings = self.warnings.iter().map(|warning| warning.clone().at(&path));
        Self { warnings: warnings.collect(), ..self }
    }

    /// What is legal in the file and should be mended all the same.
    pub fn warnings(&self) -> &[YamlWarning] {
        &self.warnings
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no keys, so that every request is refused.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
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
        Self::load(text.as_bytes()).map_err(|fault| YamlError::new(None, fault))
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
            .field("warnings", &self.warnings)
            .finish()
    }
}
