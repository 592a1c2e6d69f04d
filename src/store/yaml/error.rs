use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::load_error::{LoadError, LoadErrorKind};
use super::position::Position;
use crate::key::{KeyId, WeakKey};

/// Reason why a key file, or a folder of them, was not loaded, with the position and a hint. Never shows text of a
/// file.
///
/// ```
/// use keygate::YamlStore;
///
/// let error = "api_keys:\n  hunter2: User 1\n".parse::<YamlStore>().unwrap_err();
/// assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
/// assert!(error.to_string().contains("shorter than 16 characters"));
/// assert!(!format!("{error} {error:?}").contains("hunter2"));
/// ```
#[derive(Clone)]
pub struct KeyFileError(Arc<Located<LoadErrorKind>>);

impl KeyFileError {
    pub(super) fn new(path: Option<&Path>, LoadError { kind, position, file }: LoadError) -> Self {
        let path = match (path, file) {
            (Some(folder), Some(file)) => Some(folder.join(file).into()),
            (path, _) => path.map(Arc::from),
        };
        Self(Arc::new(Located { path, position, kind }))
    }

    /// The key file, if the text was read from one; the folder if the error concerns all of it.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The line of the error, counted from 1; `None` if the error concerns the whole file.
    pub fn line(&self) -> Option<usize> {
        self.0.line()
    }

    /// The column of the error in characters, counted from 1.
    pub fn column(&self) -> Option<usize> {
        self.0.column()
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFileError({self})")
    }
}

impl Error for KeyFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.kind.source()
    }
}

/// A problem in a key file, or in a folder of them, that does not prevent loading it.
///
/// ```
/// use keygate::YamlStore;
///
/// let store: YamlStore = "allow_weak_keys: true\napi_key: hunter2\n".parse()?;
/// assert_eq!(store.warnings()[0].line(), Some(2));
/// # Ok::<(), keygate::store::KeyFileError>(())
/// ```
#[derive(Clone)]
pub struct KeyFileWarning(Located<WarningKind>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WarningKind {
    #[error("{0}: replace it with a key from 32 random bytes, and remove `allow_weak_keys`")]
    WeakKey(WeakKey),
    #[error(
        "this key cannot have 112 bits, the minimum for a plain digest: replace it with at least \
         19 random letters and digits, such as a key from `keygate key issue`"
    )]
    LowKey,
    #[error(
        "the name of this client looks like a key, and its key like a name: write `KEY: client name`, \
         and replace the key if the name was shown"
    )]
    Swapped,
    #[error(
        "the name of this client looks like a key, and names are shown to people: \
         write the key before the colon and the name after it"
    )]
    NameLikeKey,
    #[error(
        "{what} looks like a key, and is shown to people: choose another text, and replace the key"
    )]
    TextLikeKey { what: &'static str },
    #[error(
        "this key was replaced by one that is not in the file: correct the id, or remove the line if \
         that key was removed"
    )]
    UnknownSuccessor,
    #[error(
        "this key was replaced and does not expire: give it an `expires`, or revoke it once it is no \
         longer used"
    )]
    ReplacedWithoutExpiry,
    #[error(
        "this key expires before it begins to work: choose a later expiry or an earlier `not_before`, or remove the key"
    )]
    NeverValid,
    #[error(
        "the policy does not allow {count} of the keys, such as {first}, which keep working: give \
         each an expiry that the policy allows, or rotate it"
    )]
    BeyondPolicy { count: usize, first: KeyId },
    #[error(
        "the client of this key lacks this scope, so the key lacks it, too: add it to the client, \
         or remove it here"
    )]
    LackedScope,
    #[error(
        "this network is not within those of the client, so the key is refused from there: add it \
         to the client, or remove it here"
    )]
    LackedNetwork,
    #[error(
        "this name resembles {nearest}, but is treated as the application's: correct it if it \
         should hold keys"
    )]
    NearMiss { nearest: &'static str },
    #[error(
        "`{name}` at the top of this file is treated as the application's: move it into keygate's \
         section if it is meant for \
         keygate"
    )]
    Misplaced { name: &'static str },
    #[error("the file has no keys, so every request is refused")]
    NoKeys,
    #[error("no file in the folder has a key, so every request is refused")]
    NoKeysInFolder,
    #[error(
        "the file is mounted without its folder: when it is replaced outside, as most editors and \
         keygate itself do, \
         the change is not visible here, and a revoked key keeps working; mount its folder instead"
    )]
    Mounted,
    #[cfg(unix)]
    #[error(
        "everyone on this machine can read the keys in this file: `chmod o-r` it, or let \
         `keygate hash` turn them into digests"
    )]
    ReadableByOthers,
}

impl KeyFileWarning {
    pub(super) fn new(kind: WarningKind, position: Option<Position>) -> Self {
        Self(Located { path: None, position, kind })
    }

    /// Names a file in a folder, whose path is added later.
    pub(super) fn in_file(self, name: &str) -> Self {
        Self(Located { path: Some(Path::new(name).into()), ..self.0 })
    }

    pub(super) fn at(self, path: &Arc<Path>) -> Self {
        let path = self.0.path.map_or_else(|| Arc::clone(path), |file| path.join(file).into());
        Self(Located { path: Some(path), ..self.0 })
    }

    pub(super) fn position(&self) -> Option<Position> {
        self.0.position
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Returns the message without the file and position.
    pub(super) fn problem(&self) -> String {
        self.0.kind.to_string()
    }

    /// Returns whether the warning is about a key that is easier to guess than a random one.
    pub fn is_about_weak_key(&self) -> bool {
        matches!(self.0.kind, WarningKind::WeakKey(_) | WarningKind::LowKey)
    }

    /// Returns whether the warning says that the file has no keys, like a new file.
    pub fn is_about_no_keys(&self) -> bool {
        matches!(self.0.kind, WarningKind::NoKeys)
    }

    /// Returns whether the warning is about the mode of the file, which lets others read its keys.
    pub fn is_about_mode(&self) -> bool {
        #[cfg(unix)]
        return self.0.kind == WarningKind::ReadableByOthers;
        #[cfg(not(unix))]
        false
    }

    /// The line of the problem, counted from 1; `None` if the warning concerns the whole file.
    pub fn line(&self) -> Option<usize> {
        self.0.line()
    }

    /// The column of the problem in characters, counted from 1.
    pub fn column(&self) -> Option<usize> {
        self.0.column()
    }
}

impl fmt::Display for KeyFileWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyFileWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFileWarning({self})")
    }
}

/// An error or warning with its file and position.
#[derive(Clone)]
struct Located<K> {
    path: Option<Arc<Path>>,
    position: Option<Position>,
    kind: K,
}

impl<K> Located<K> {
    fn line(&self) -> Option<usize> {
        self.position.map(|position| position.line as usize)
    }

    fn column(&self) -> Option<usize> {
        self.position.map(|position| position.column as usize)
    }
}

impl<K: fmt::Display> fmt::Display for Located<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, self.position) {
            (Some(path), Some(at)) => write!(f, "{}:{}:{}: ", path.display(), at.line, at.column)?,
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, Some(at)) => write!(f, "line {}, column {}: ", at.line, at.column)?,
            (None, None) => {}
        }
        self.kind.fmt(f)
    }
}
