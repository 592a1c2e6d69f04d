use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{ReloadError, YamlWarning};
use crate::key::rfc3339;

/// An event of a [`YamlStore`](crate::YamlStore) that concerns the operator of the service.
///
/// `Display` is one line, and never shows a key. `Reloaded`, `ReloadFailed` and `Recovered` are reported by stores
/// that follow their file (feature `watch`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum YamlEvent {
    /// A problem in the file, reported when the store is opened or when the problem appears later.
    Warning(YamlWarning),
    /// The store has loaded a changed file.
    Reloaded {
        /// The key file.
        path: PathBuf,
        /// The current number of keys, without revoked ones.
        keys: usize,
        /// The current number of clients.
        clients: usize,
    },
    /// The store cannot load the changed file and keeps its old content. Reported at the first failure, when the
    /// reason changes, and every minute while the failure lasts. [`YamlStore::health`](crate::YamlStore::health) returns the same.
    ReloadFailed {
        /// The key file.
        path: PathBuf,
        /// Time of the first failure.
        since: SystemTime,
        /// The reason.
        error: ReloadError,
    },
    /// A failure has ended, and the store is up to date with its file.
    Recovered {
        /// The key file.
        path: PathBuf,
    },
    /// An edit has been waiting for one second because another process holds the lock. It waits for at most 30
    /// seconds.
    Waiting {
        /// The lock.
        lock: PathBuf,
        /// The process that holds the lock, if known: on Linux only, for processes visible to this one.
        process_id: Option<u32>,
        /// The name of its program, if known.
        process_name: Option<String>,
    },
}

impl fmt::Display for YamlEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warning(warning) => write!(f, "warning: {warning}"),
            Self::Reloaded { path, keys, clients } => {
                write!(f, "{}: loaded again; keys: {keys}, clients: {clients}", path.display())
            }
            Self::ReloadFailed { path, since, error } => {
                let (path, since) = (path.display(), rfc3339::text(*since));
                write!(f, "{path}: not followed since {since}, changes have no effect: {error}")
            }
            Self::Recovered { path } => write!(f, "{}: followed again", path.display()),
            Self::Waiting { lock, process_id, process_name } => {
                let process = holder_text(*process_id, process_name.as_deref());
                write!(f, "waiting for the lock {}, which {process} holds", lock.display())
            }
        }
    }
}

/// Names the process that holds a lock.
pub(super) fn holder_text(id: Option<u32>, name: Option<&str>) -> String {
    match (id, name) {
        (Some(id), Some(name)) => format!("process {id} ({name})"),
        (Some(id), None) => format!("process {id}"),
        (None, _) => "another process".to_owned(),
    }
}
