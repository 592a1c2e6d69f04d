use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fault::{Fault, FaultKind, Position};
use crate::key::WeakKey;

/// Why a key file was not loaded: where, what, and what to do. It never shows text of the file.
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
pub struct YamlError(Arc<Located>);

struct Located {
    path: Option<PathBuf>,
    fault: Fault,
}

impl YamlError {
    pub(super) fn new(path: Option<&Path>, fault: Fault) -> Self {
        Self(Arc::new(Located { path: path.map(Path::to_owned), fault }))
    }

    /// The file, unless the text came from elsewhere.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The line of the fault, counted from 1; none where the file as a whole is at fault.
    pub fn line(&self) -> Option<usize> {
        self.0.fault.place().map(|place| place.line as usize)
    }

    /// The column of the fault in characters, counted from 1.
    pub fn column(&self) -> Option<usize> {
        self.0.fault.place().map(|place| place.column as usize)
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.path(), self.0.fault.place())?;
        write!(f, "{}", self.0.fault.kind())
    }
}

impl fmt::Debug for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "YamlError({self})")
    }
}

impl Error for YamlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.0.fault.kind() {
            FaultKind::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// Something that is legal in a key file and should be mended all the same.
///
/// ```
/// use keygate::YamlStore;
///
/// let store: YamlStore = "allow_weak_keys: true\napi_key: hunter2\n".parse()?;
/// assert_eq!(store.warnings()[0].line(), Some(2));
/// # Ok::<(), keygate::store::YamlError>(())
/// ```
#[derive(Clone)]
pub struct YamlWarning {
    path: Option<Arc<Path>>,
    place: Option<Position>,
    kind: WarningKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WarningKind {
    #[error("{0}: replace it by one of 32 random bytes, and remove `allow_weak_keys`")]
    WeakKey(WeakKey),
    #[error(
        "this key cannot hold 112 bits, below which a plain digest is too little: replace it by one of \
         19 or more random letters and digits, such as `keygate key issue` makes"
    )]
    LowKey,
    #[error(
        "the name of this client looks like a key, and its key like a name: write `KEY: client name`, \
         and replace the key if the name was shown"
    )]
    Swapped,
    #[error(
        "the name of this client looks like a key, and names are shown: \
         the key stands before the colon, and the name behind it"
    )]
    NameLikeKey,
    #[error(
        "{what} looks like a key, and is shown to people: choose another text, and replace the key"
    )]
    TextLikeKey { what: &'static str },
    #[error(
        "this key was replaced by one that is not in the file: mend the id, or remove the line if \
         that key was removed"
    )]
    UnknownSuccessor,
    #[error(
        "this key was replaced and does not expire: give it an `expires`, or revoke it when nobody \
         uses it any more"
    )]
    ReplacedForEver,
    #[error("the file holds no keys, so that every request is refused")]
    NoKeys,
    #[error(
        "the file is mounted by itself: where it is replaced outside, as most editors do and keygate itself, \
         no change is seen here, and a revoked key works on; mount its folder instead"
    )]
    Mounted,
    #[cfg(unix)]
    #[error(
        "everybody on this machine can read the keys in this file: `chmod o-r` it, or let \
         `keygate hash` turn them into digests"
    )]
    ReadableByOthers,
}

impl YamlWarning {
    pub(super) fn new(kind: WarningKind, place: Option<Position>) -> Self {
        Self { path: None, place, kind }
    }

    pub(super) fn at(self, path: &Arc<Path>) -> Self {
        Self { path: Some(Arc::clone(path)), ..self }
    }

    pub(super) fn place(&self) -> Option<Position> {
        self.place
    }

    /// The line that the warning is about, counted from 1; none where it is about the whole file.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|place| place.line as usize)
    }

    /// The column that the warning is about, in characters and counted from 1.
    pub fn column(&self) -> Option<usize> {
        self.place.map(|place| place.column as usize)
    }
}

impl fmt::Display for YamlWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.path.as_deref(), self.place)?;
        write!(f, "{}", self.kind)
    }
}

impl fmt::Debug for YamlWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "YamlWarning({self})")
    }
}

fn write_place(
    f: &mut fmt::Formatter<'_>,
    path: Option<&Path>,
    place: Option<Position>,
) -> fmt::Result {
    match (path, place) {
        (Some(path), Some(place)) => {
            write!(f, "{}:{}:{}: ", path.display(), place.line, place.column)
        }
        (Some(path), None) => write!(f, "{}: ", path.display()),
        (None, Some(place)) => write!(f, "line {}, column {}: ", place.line, place.column),
        (None, None) => Ok(()),
    }
}
