use std::time::SystemTime;

use super::YamlError;
use crate::key::KeyId;

/// Whether a [`YamlStore`](crate::YamlStore) holds what its file says.
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
pub struct YamlHealth {
    /// When the file was read from which the store has what it holds.
    pub loaded: SystemTime,
    /// Since when the store does not follow the file, if it does not.
    pub failing_since: Option<SystemTime>,
    /// Why it does not.
    pub error: Option<ReloadError>,
    /// How many keys the store holds, revoked ones aside.
    pub keys: usize,
}

/// Why a store did not take what its file says, and keeps what it holds.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The file is gone, cannot be read, or is not a valid key file.
    #[error(transparent)]
    Invalid(#[from] YamlError),
    /// Keys are gone from the file and none is left in it, as in one that is being written.
    #[error(
        "the file holds no keys any more, and not because all were revoked: if that is meant, call `reload()` or restart the service"
    )]
    NoKeys,
    /// A key that was revoked would work again, as it would if its line had not been written yet.
    #[error(
        "the key {key_id} was revoked and would work again: if that is meant, call `reload()` or \
         restart the service"
    )]
    RevokedKey {
        /// One such key.
        key_id: KeyId,
    },
    /// The store was made from a text.
    #[error("the store was made from a text, and has no file to read again")]
    NoFile,
}
