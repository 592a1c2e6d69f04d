use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use std::{fmt, io};

use super::{KeyFileWarning, ReloadError};
use crate::key::Timestamp;

/// An event of a [`YamlStore`](crate::YamlStore) or [`FolderStore`](crate::store::FolderStore) that concerns the operator
/// of the service.
///
/// `Display` is one line, and never shows a key. `Reloaded`, `ReloadFailed` and `Recovered` are reported by stores
/// that [follow](crate::YamlStore::watch) their file or folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeyFileEvent {
    /// A problem in the file or folder, reported when the store is opened or when the problem appears later.
    Warning(KeyFileWarning),
    /// The store has loaded a changed file.
    Reloaded {
        /// The key file or folder.
        path: PathBuf,
        /// The current number of keys, without revoked ones.
        keys: usize,
        /// The current number of clients.
        clients: usize,
    },
    /// The store cannot load the changed file and keeps its old content. Reported at the first failure, when the
    /// reason changes, and every minute while the failure lasts. [`YamlStore::health`](crate::YamlStore::health) returns the same.
    ReloadFailed {
        /// The key file or folder.
        path: PathBuf,
        /// Time of the first failure.
        since: SystemTime,
        /// The reason.
        error: ReloadError,
    },
    /// A failure has ended, and the store is up to date with its file.
    Recovered {
        /// The key file or folder.
        path: PathBuf,
    },
    /// A change was made, but could not be [recorded](crate::YamlStore::record_events).
    NotRecorded {
        /// The log.
        path: PathBuf,
        /// The reason.
        error: Arc<io::Error>,
    },
    /// An edit has waited for one second because another process holds the lock. It will wait for at most 30 seconds.
    Waiting {
        /// The lock.
        lock: PathBuf,
        /// The process that holds the lock, such as `process 71 (vi)`, or `another process` if it is not known. It is
        /// known on Linux only, for processes visible to this one.
        holder: String,
    },
}

impl fmt::Display for KeyFileEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warning(warning) => write!(f, "warning: {warning}"),
            Self::Reloaded { path, keys, clients } => {
                write!(f, "{}: loaded again; keys: {keys}, clients: {clients}", path.display())
            }
            Self::ReloadFailed { path, since, error } => {
                let (path, since) = (path.display(), Timestamp::nearest(*since));
                write!(f, "{path}: not followed since {since}, changes have no effect: {error}")
            }
            Self::Recovered { path } => write!(f, "{}: followed again", path.display()),
            Self::NotRecorded { path, error } => {
                write!(f, "{}: a change was made but not recorded: {error}", path.display())
            }
            Self::Waiting { lock, holder } => {
                write!(f, "waiting for the lock {}, which {holder} holds", lock.display())
            }
        }
    }
}
