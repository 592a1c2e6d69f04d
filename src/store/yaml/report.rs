use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::ReloadError;
use super::{YamlStore, YamlWarning};
use crate::callback::guarded;
use crate::key::rfc3339;

/// Something that the operator of a service should know of its [`YamlStore`].
///
/// `Display` is one line, and never shows a key. `Reloaded`, `ReloadFailed` and `Recovered` come from a store that
/// follows its file, which takes the feature `watch`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum YamlEvent {
    /// Something in the file should be mended: when the store is made, and when it comes up later.
    Warning(YamlWarning),
    /// The store took a change of the file.
    Reloaded {
        /// The key file.
        path: PathBuf,
        /// The number of keys now, without revoked ones.
        keys: usize,
        /// The number of clients now.
        clients: usize,
    },
    /// The store cannot take what the file says, and keeps what it holds: when that begins, when the reason
    /// changes, and again every minute while it lasts. [`YamlStore::health`] says the same.
    ReloadFailed {
        /// The key file.
        path: PathBuf,
        /// Time of the first failure.
        since: SystemTime,
        /// The reason.
        error: ReloadError,
    },
    /// A failure has ended, and the store holds what the file says.
    Recovered {
        /// The key file.
        path: PathBuf,
    },
    /// An edit has waited for a second, since another process holds the lock. It waits for 30 seconds at
    /// the most.
    Waiting {
        /// The lock.
        lock: PathBuf,
        /// The process that holds it, where the system says so: on Linux, for processes that can be seen
        /// from this one.
        process_id: Option<u32>,
        /// The name of its program, where that can be read.
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

type Report = Arc<dyn Fn(YamlEvent) + Send + Sync>;

/// Where the events of a store go.
#[derive(Default)]
pub(super) struct Reporter(Mutex<Option<Report>>);

impl Reporter {
    pub(super) fn report(&self, event: YamlEvent) {
        #[cfg(feature = "tracing")]
        super::trace::trace(&event);
        let report = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(report) = report {
            guarded(|| report(event));
        }
    }
}

impl YamlStore {
    /// Reports events to a closure, for all clones, and the warnings that there are at once. It replaces the
    /// one before.
    ///
    /// Whoever causes an event waits for the closure; a panic of it is caught. It must not hold a clone of the
    /// store, which would then never be dropped.
    #[must_use]
    pub fn with_events(self, report: impl Fn(YamlEvent) + Send + Sync + 'static) -> Self {
        let reporter = self.origin.reporter();
        *reporter.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(report));
        for warning in self.warnings() {
            reporter.report(YamlEvent::Warning(warning));
        }
        self
    }
}
