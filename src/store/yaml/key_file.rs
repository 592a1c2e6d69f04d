use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::error::WarningKind;
use super::fault::Fault;
use super::file::left_by_edit;
use super::parse::{Parsed, parse};
use super::report::Reporter;
use super::{ReloadError, YamlError, YamlHealth, YamlWarning, input};
use crate::key::KeyDigest;
use crate::store::{MemoryStore, mount};

/// Where the keys of a store come from, and what is known of it.
pub(super) struct KeyFile {
    keys: MemoryStore,
    path: Option<PathBuf>,
    /// The same from the root on, so that it stays the same file when the process changes its folder.
    file: Option<PathBuf>,
    /// Held by whoever changes what the store holds, from the reading of the file on, so that an older
    /// reading never replaces a newer one.
    turn: Mutex<()>,
    /// Held for moments.
    state: Mutex<State>,
    reporter: Reporter,
}

pub(super) struct State {
    /// Of the text that the keys were read from.
    digest: KeyDigest,
    loaded: SystemTime,
    warnings: Vec<YamlWarning>,
    trouble: Option<(SystemTime, ReloadError)>,
    /// Every key that was seen revoked and has not come back since by somebody's will.
    pub(super) revoked: HashSet<KeyDigest>,
    /// Ends the thread that follows the file, when it is dropped.
    #[cfg_attr(not(feature = "watch"), expect(dead_code, reason = "nothing follows the file"))]
    pub(super) watcher: Option<Box<dyn Send>>,
}

impl KeyFile {
    pub(super) fn open(path: &Path) -> Result<Self, YamlError> {
        let error = |fault| YamlError::new(Some(path), fault);
        let text = input::read_regular(path).map_err(error)?;
        let parsed = load(&text).map_err(error)?;
        Ok(Self::new(Some(path), &text, parsed))
    }

    pub(super) fn text(text: &[u8]) -> Result<Self, YamlError> {
        let parsed = load(text).map_err(|fault| YamlError::new(None, fault))?;
        Ok(Self::new(None, text, parsed))
    }

    fn new(path: Option<&Path>, text: &[u8], parsed: Parsed) -> Self {
        let state = State {
            digest: KeyDigest::of(text),
            loaded: SystemTime::now(),
            warnings: path.map_or_else(|| parsed.warnings.clone(), |path| parsed.warnings_at(path)),
            trouble: None,
            revoked: parsed.keys.revoked(),
            watcher: None,
        };
        Self {
            keys: parsed.keys,
            path: path.map(Path::to_owned),
            file: path.and_then(|path| std::path::absolute(path).ok()),
            turn: Mutex::new(()),
            state: Mutex::new(state),
            reporter: Reporter::default(),
        }
    }

    pub(super) fn keys(&self) -> &MemoryStore {
        &self.keys
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Where to read and to write.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    pub(super) fn warnings(&self) -> Vec<YamlWarning> {
        self.lock().warnings.clone()
    }

    pub(super) fn health(&self) -> YamlHealth {
        let state = self.lock();
        let (failing_since, error) = state.trouble.clone().unzip();
        YamlHealth { loaded: state.loaded, failing_since, error, keys: self.keys.len() }
    }

    /// Waits until nobody else changes what the store holds.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // What is half-changed after a panic is read anew with the next change of the file.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the file says, as somebody asked for.
    pub(super) fn reload(&self) -> Result<(), ReloadError> {
        let path = self.path().ok_or(ReloadError::NoFile)?;
        let _turn = self.turn();
        let file = self.file().unwrap_or(path);
        let read = input::read_regular(file);
        let read = read.and_then(|text| Ok((KeyDigest::of(&text), load(&text)?)));
        let read = read.map_err(|fault| ReloadError::from(YamlError::new(Some(path), fault)));
        let mut state = self.lock();
        let result = read.map(|(digest, parsed)| self.adopt(&mut state, digest, &parsed));
        state.note(result)
    }

    pub(super) fn digest(&self) -> KeyDigest {
        self.lock().digest
    }

    /// Whether what was read looks like a file that is being written, or like a mistake.
    pub(super) fn check(
        &self,
        state: &State,
        digest: KeyDigest,
        read: &MemoryStore,
    ) -> Result<(), ReloadError> {
        // A file whose last keys were revoked holds them still; and what an edit left is meant.
        let is_suspect = read.is_empty() && self.keys.has_live_unknown_to(read);
        if is_suspect && self.file().and_then(left_by_edit) != Some(digest) {
            return Err(ReloadError::NoKeys);
        }
        match state.revoked.iter().find(|digest| read.has_live(digest)) {
            Some(digest) => Err(ReloadError::RevokedKey { key_id: digest.key_id() }),
            None => Ok(()),
        }
    }

    pub(super) fn adopt(&self, state: &mut State, digest: KeyDigest, parsed: &Parsed) {
        state.revoked.retain(|digest| !parsed.keys.has_live(digest));
        state.revoked.extend(parsed.keys.revoked());
        state.warnings =
            self.path().map_or_else(|| parsed.warnings.clone(), |path| parsed.warnings_at(path));
        self.keys.replace(&parsed.keys);
        state.digest = digest;
        state.loaded = SystemTime::now();
        state.trouble = None;
    }
}

impl State {
    /// Keeps in mind how a reading ended.
    pub(super) fn note(&mut self, result: Result<(), ReloadError>) -> Result<(), ReloadError> {
        match &result {
            Ok(()) => self.trouble = None,
            Err(error) => {
                let since = self.trouble.as_ref().map_or_else(SystemTime::now, |(since, _)| *since);
                self.trouble = Some((since, error.clone()));
            }
        }
        result
    }
}

pub(super) fn load(text: &[u8]) -> Result<Parsed, Fault> {
    parse(input::utf8(text)?)
}

impl Parsed {
    pub(super) fn warnings_at(&self, path: &Path) -> Vec<YamlWarning> {
        warnings_at(path, self.plain, &self.warnings)
    }
}

/// The warnings as those of this file, with what there is to say of the file itself, in which so many
/// keys stand in clear.
pub(super) fn warnings_at(path: &Path, plain: usize, warnings: &[YamlWarning]) -> Vec<YamlWarning> {
    let shared: Arc<Path> = path.into();
    #[cfg(not(unix))]
    let _ = plain;
    let mut all = Vec::new();
    if mount::is_mount_point(path) {
        all.push(YamlWarning::new(WarningKind::Mounted, None));
    }
    #[cfg(unix)]
    if plain > 0 && is_readable_by_others(path) {
        all.push(YamlWarning::new(WarningKind::ReadableByOthers, None));
    }
    all.extend(warnings.iter().cloned());
    all.into_iter().map(|warning| warning.at(&shared)).collect()
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}
