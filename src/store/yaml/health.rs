use std::time::SystemTime;

use super::KeyFileError;
use crate::key::KeyId;

/// State of a [`YamlStore`](crate::YamlStore) or [`FolderStore`](crate::store::FolderStore): whether it is up to date with
/// its file or folder.
///
/// ```
/// use keygate::YamlStore;
///
/// # let path = std::env::temp_dir().join(format!("keygate-health-{}.yml", std::process::id()));
/// std::fs::write(&path, "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n")?;
/// let store = YamlStore::open(&path)?;
/// std::fs::write(&path, "api_key: [")?;
/// assert!(store.reload().is_err());
/// let health = store.health();
/// assert!(health.failing_since.is_some());
/// assert_eq!((health.keys, store.len()), (1, 1));
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyFileHealth {
    /// Time of the last successful load.
    pub loaded: SystemTime,
    /// Time of the first failed reload since then, if any.
    pub failing_since: Option<SystemTime>,
    /// The latest failure, if the store is not up to date.
    pub error: Option<ReloadError>,
    /// Number of keys in the store, without revoked ones.
    pub keys: usize,
}

/// Reason why a store was not reloaded and keeps its old content.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The file or folder is missing, cannot be read, or is not valid.
    #[error(transparent)]
    Invalid(#[from] KeyFileError),
    /// All keys disappeared from the file or folder without having been revoked. It may still be being written.
    #[error(
        "there are no longer any keys, although they were not revoked: if that is intended, call `reload()` or \
         restart the service"
    )]
    NoKeys,
    /// A revoked key would work again. The line that revokes it may not have been written yet.
    #[error(
        "the key {key_id} was revoked and would work again: if that is intended, call `reload()` or \
         restart the service"
    )]
    RevokedKey {
        /// One such key.
        key_id: KeyId,
    },
    /// The store was created from a text.
    #[error("the store was created from a text and has no file to reload")]
    NoFile,
}
