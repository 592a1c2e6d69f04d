//! Follows the file in a thread that polls.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::key_file::{FollowOutcome, KeyFile};
use super::layout::Layout;
use super::load_error::{LoadError, LoadErrorKind};
use super::report::KeyFileEvent;
use super::{KeyFileError, STABLE_AFTER, YamlStore};
use crate::key::KeyDigest;

mod fingerprint;
mod report_state;

use fingerprint::Fingerprint;
use report_state::ReportState;

/// The interval between two checks. A check costs one system call, unless the metadata of the file has changed.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The file is read at least once in this many checks (every 30 seconds), whatever its metadata.
const READ_EVERY: u32 = 150;

impl YamlStore {
    /// Loads a file and follows it: the store is reloaded within one second after the file changes. With more than
    /// 100,000 keys, reading them takes longer.
    ///
    /// The file may be changed in place, replaced by renaming, deleted and created again, or reached through symbolic
    /// links that change, as in ConfigMaps and Secrets of Kubernetes. The switch is atomic, and no lookup waits.
    ///
    /// A change is loaded when two reads, 50 ms apart, return the same text. The store keeps its old content, and says
    /// so in [`YamlStore::health`], while
    ///
    /// - the file is missing, cannot be read, or is not a valid key file;
    /// - the file no longer holds any keys, unless they were revoked or removed by keygate; or a revoked key would
    ///   work again. A file may look like this while it is being written. [`YamlStore::reload`] loads it anyway.
    ///
    /// If the file can be parsed, the keys that it revokes are refused even if it is not loaded.
    ///
    /// In containers, mount the folder of the file, not the file itself: a mounted file does not change when the
    /// original is replaced, so that a revoked key keeps working. On Linux, such a mount causes a warning. On Unix, it
    /// is a failure once the original has been replaced, unless another hard link keeps the old file. See
    /// [`guide::operate`](crate::guide::operate).
    ///
    /// The closure gets each [`KeyFileEvent`]: current warnings, reloads, failures, and the end of failures. Print or
    /// log them: a typo in a manual revocation leaves the key working, and only these events and
    /// [`YamlStore::health`] show it. The closure runs in the thread that follows the file, and its panics are
    /// caught. It must not hold a clone of the store, which would then never be dropped. With the feature
    /// `tracing`, the events are also recorded with `tracing`.
    ///
    /// The thread ends within one second after the store and its clones are dropped.
    ///
    /// ```
    /// use keygate::YamlStore;
    ///
    /// # let path = std::env::temp_dir().join(format!("keygate-watch-{}.yml", std::process::id()));
    /// # std::fs::write(&path, "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n")?;
    /// let store = YamlStore::watch(&path, |event| eprintln!("{event}"))?;
    /// assert_eq!(store.health().failing_since, None);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`], or no thread could be started.
    pub fn watch(
        path: impl AsRef<Path>,
        events: impl Fn(KeyFileEvent) + Send + Sync + 'static,
    ) -> Result<Self, KeyFileError> {
        Self::options().watch(path, events)
    }

    /// Starts to follow the file.
    pub(super) fn followed(self, path: &Path) -> Result<Self, KeyFileError> {
        let follower = Follower {
            path: self.file.absolute_path().unwrap_or(path).to_owned(),
            file: Arc::downgrade(&self.file),
            fingerprint: None,
            checks: 0,
            reported: ReportState::at_start(&self.file),
        };
        let thread = thread::Builder::new().name("keygate-watch".to_owned());
        let started = thread.spawn(|| follower.run());
        started
            .map_err(|error| KeyFileError::new(Some(path), LoadErrorKind::Thread(error).into()))?;
        Ok(self)
    }
}

struct Follower {
    path: PathBuf,
    file: Weak<KeyFile>,
    /// The metadata of the file at the last read, unless the file must be read again.
    fingerprint: Option<Fingerprint>,
    checks: u32,
    reported: ReportState,
}

impl Follower {
    /// Follows the file until the store and its clones are dropped.
    fn run(mut self) {
        while let Some(file) = self.file.upgrade() {
            self.check(&file);
            self.reported.report(&self.path, &file);
            drop(file);
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn check(&mut self, file: &KeyFile) {
        let now = Fingerprint::of(&self.path, matches!(file.layout(), Layout::Folder));
        self.checks = (self.checks + 1) % READ_EVERY;
        if self.checks != 0 && self.fingerprint.as_ref().is_some_and(|last| last.is_current(&now)) {
            return;
        }
        let read = file.layout().read(&self.path).map(|text| KeyDigest::of(&text));
        let is_refused = read.as_ref().is_err_and(is_permanent);
        let first = read.ok();
        if first != Some(file.digest()) {
            thread::sleep(STABLE_AFTER);
        }
        let outcome = file.follow(first);
        if let FollowOutcome::Changed = outcome {
            let (keys, clients) = (file.keys.len(), file.keys.client_count());
            let path = self.path.clone();
            file.events.report(KeyFileEvent::Reloaded { path, keys, clients });
        }
        // A file that cannot be used in its current state, such as one that is too large, is not read again before it
        // changes.
        let again = first.is_none() && !is_refused || matches!(outcome, FollowOutcome::Unstable);
        self.fingerprint = if again { None } else { Some(now) };
    }
}

/// Returns whether an error lasts until the file changes or is replaced.
fn is_permanent(error: &LoadError) -> bool {
    matches!(
        error.kind,
        LoadErrorKind::NotRegular
            | LoadErrorKind::NotRegularInFolder
            | LoadErrorKind::TooLarge
            | LoadErrorKind::FolderTooLarge
            | LoadErrorKind::Replaced
    )
}
