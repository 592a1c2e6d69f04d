use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::error::WarningKind;
use super::event_sink::EventSink;
use super::file::digest_of_last_edit;
use super::layout::Layout;
use super::load_error::LoadError;
use super::parse::{Findings, Parsed, parse};
use super::{KeyFileError, KeyFileHealth, KeyFileWarning, ReloadError, folder, read};
use crate::key::KeyDigest;
use crate::store::{MemoryStore, mount};

/// A key file and the keys loaded from it.
pub(super) struct KeyFile {
    pub(super) keys: MemoryStore,
    /// The path as given, for messages.
    path: Option<PathBuf>,
    /// The absolute path, which stays valid when the process changes its working directory.
    absolute_path: Option<PathBuf>,
    layout: Layout,
    /// Held from reading the file to updating the keys, so that older content never replaces newer.
    update_lock: Mutex<()>,
    /// Locked only briefly.
    state: Mutex<State>,
    pub(super) events: EventSink,
}

pub(super) struct State {
    /// The digest of the loaded text.
    digest: KeyDigest,
    loaded: SystemTime,
    warnings: Vec<KeyFileWarning>,
    /// The time of the first failure, and the latest one.
    failure: Option<(SystemTime, ReloadError)>,
    /// Keys that were revoked and have not been restored by an explicit reload.
    revoked: HashSet<KeyDigest>,
}

impl KeyFile {
    pub(super) fn open(path: &Path, layout: Layout) -> Result<Self, KeyFileError> {
        let error = |error| KeyFileError::new(Some(path), error);
        let text = layout.read(path).map_err(error)?;
        let parsed = layout.load(&text).map_err(error)?;
        Ok(Self::new(Some(path), layout, &text, parsed))
    }

    pub(super) fn text(text: &[u8], layout: Layout) -> Result<Self, KeyFileError> {
        let parsed = layout.load(text).map_err(|error| KeyFileError::new(None, error))?;
        Ok(Self::new(None, layout, text, parsed))
    }

    fn new(path: Option<&Path>, layout: Layout, text: &[u8], parsed: Parsed) -> Self {
        let state = State {
            digest: KeyDigest::of(text),
            loaded: SystemTime::now(),
            warnings: parsed.findings.warnings_at(path, &layout),
            failure: None,
            revoked: parsed.keys.revoked(),
        };
        Self {
            keys: parsed.keys,
            path: path.map(Path::to_owned),
            absolute_path: path
                .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned())),
            layout,
            update_lock: Mutex::new(()),
            state: Mutex::new(state),
            events: EventSink::default(),
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(super) fn absolute_path(&self) -> Option<&Path> {
        self.absolute_path.as_deref()
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn warnings(&self) -> Vec<KeyFileWarning> {
        self.lock().warnings.clone()
    }

    pub(super) fn health(&self) -> KeyFileHealth {
        let state = self.lock();
        let (failing_since, error) = state.failure.clone().unzip();
        KeyFileHealth { loaded: state.loaded, failing_since, error, keys: self.keys.len() }
    }

    /// Excludes other updates of the keys.
    pub(super) fn update_lock(&self) -> MutexGuard<'_, ()> {
        self.update_lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A partial change after a panic is overwritten by the next load.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the file without the checks of [`KeyFile::check`].
    pub(super) fn reload(&self) -> Result<(), ReloadError> {
        let path = self.absolute_path().ok_or(ReloadError::NoFile)?;
        let _lock = self.update_lock();
        self.load_again(self.layout.read(path), |_, _, _| Ok(()))
    }

    /// Loads the file if it has not changed since the first read and passes [`KeyFile::check`].
    pub(super) fn follow(&self, first: Option<KeyDigest>) -> FollowOutcome {
        let Some(path) = self.absolute_path() else { return FollowOutcome::Kept };
        let _lock = self.update_lock();
        let text = self.layout.read(path);
        let digest = text.as_ref().map(|text| KeyDigest::of(text)).ok();
        if digest != first {
            return FollowOutcome::Unstable;
        }
        if digest == Some(self.digest()) {
            self.lock().failure = None;
            return FollowOutcome::Kept;
        }
        let loaded = self.load_again(text, |state, digest, keys| {
            self.check(state, digest, keys).inspect_err(|_| {
                // Revocations take effect even if the file is refused, since a partly written file cannot revoke a key
                // by mistake.
                state.revoked.extend(keys.revoked());
                self.keys.revoke_all(&state.revoked);
            })
        });
        if loaded.is_ok() { FollowOutcome::Changed } else { FollowOutcome::Kept }
    }

    /// Loads a text of the file, unless the check fails, and records the result.
    fn load_again(
        &self,
        text: Result<Zeroizing<Vec<u8>>, LoadError>,
        check: impl FnOnce(&mut State, KeyDigest, &MemoryStore) -> Result<(), ReloadError>,
    ) -> Result<(), ReloadError> {
        let parsed = text.and_then(|text| Ok((KeyDigest::of(&text), self.layout.load(&text)?)));
        let parsed =
            parsed.map_err(|error| ReloadError::from(KeyFileError::new(self.path(), error)));
        let mut state = self.lock();
        let result = parsed.and_then(|(digest, parsed)| {
            check(&mut state, digest, &parsed.keys)?;
            self.adopt(&mut state, digest, &parsed);
            Ok(())
        });
        if let Err(error) = &result {
            let since = state.failure.as_ref().map_or_else(SystemTime::now, |(since, _)| *since);
            state.failure = Some((since, error.clone()));
        }
        result
    }

    pub(super) fn digest(&self) -> KeyDigest {
        self.lock().digest
    }

    /// Refuses content that looks like a partly written file or a mistake.
    pub(super) fn check(
        &self,
        state: &State,
        digest: KeyDigest,
        new: &MemoryStore,
    ) -> Result<(), ReloadError> {
        // Revoked keys stay in the file, and the result of an edit is intended.
        let is_suspect = new.is_empty() && self.keys.has_live_unknown_to(new);
        if is_suspect && self.absolute_path().and_then(digest_of_last_edit) != Some(digest) {
            return Err(ReloadError::NoKeys);
        }
        match state.revoked.iter().find(|digest| new.has_live(digest)) {
            Some(digest) => Err(ReloadError::RevokedKey { key_id: digest.key_id() }),
            None => Ok(()),
        }
    }

    pub(super) fn adopt(&self, state: &mut State, digest: KeyDigest, parsed: &Parsed) {
        state.revoked.retain(|digest| !parsed.keys.has_live(digest));
        state.revoked.extend(parsed.keys.revoked());
        state.warnings = parsed.findings.warnings_at(self.path(), &self.layout);
        self.keys.replace(&parsed.keys);
        state.digest = digest;
        state.loaded = SystemTime::now();
        state.failure = None;
    }
}

/// Outcome of a check of the file.
pub(super) enum FollowOutcome {
    Changed,
    /// The store is up to date, or the file is refused.
    Kept,
    /// The file changed between two reads.
    Unstable,
}

impl Layout {
    /// Reads the file, or the files of the folder.
    pub(super) fn read(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, LoadError> {
        match self {
            Self::Folder => folder::read(path),
            Self::Own | Self::Embedded(_) => read::read_regular(path),
        }
    }

    pub(super) fn load(&self, text: &[u8]) -> Result<Parsed, LoadError> {
        match self {
            Self::Folder => folder::parse(text),
            Self::Own | Self::Embedded(_) => parse(read::utf8(text)?, self),
        }
    }
}

impl Findings {
    /// Returns the warnings about a file: about the file itself, and about its text.
    pub(super) fn warnings_at(&self, path: Option<&Path>, layout: &Layout) -> Vec<KeyFileWarning> {
        let Some(path) = path else { return self.warnings.clone() };
        let mut all = Vec::new();
        // Folders should be mounted, and need no check.
        if !matches!(layout, Layout::Folder) && mount::is_mount_point(path) {
            all.push(KeyFileWarning::new(WarningKind::Mounted, None));
        }
        #[cfg(unix)]
        if self.plaintext_keys > 0 && is_readable_by_others(path) {
            all.push(KeyFileWarning::new(WarningKind::ReadableByOthers, None));
        }
        all.extend(self.warnings.iter().cloned());
        let path: Arc<Path> = path.into();
        all.into_iter().map(|warning| warning.at(&path)).collect()
    }
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}
