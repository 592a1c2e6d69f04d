use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::{KeyError, MIN_KEY_CHARS};

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
// Behind a box: the result of loading a file is not to be as large as its rarest answer.
pub struct YamlError(Box<Located>);

struct Located {
    path: Option<PathBuf>,
    fault: Fault,
}

impl YamlError {
    pub(super) fn new(path: Option<&Path>, fault: Fault) -> Self {
        Self(Box::new(Located { path: path.map(Path::to_owned), fault }))
    }

    /// The file, unless the text came from elsewhere.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The line of the fault, counted from 1; none where the file as a whole is at fault.
    pub fn line(&self) -> Option<usize> {
        self.0.fault.place.map(|place| place.line as usize)
    }

    /// The column of the fault in characters, counted from 1.
    pub fn column(&self) -> Option<usize> {
        self.0.fault.place.map(|place| place.column as usize)
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.path(), self.0.fault.place)?;
        write!(f, "{}", self.0.fault.kind)
    }
}

impl fmt::Debug for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "YamlError({self})")
    }
}

impl Error for YamlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.fault.kind {
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
/// # Ok::<(), keygate::YamlError>(())
/// ```
#[derive(Clone)]
pub struct YamlWarning {
    path: Option<Arc<Path>>,
    place: Option<Place>,
    kind: WarningKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WarningKind {
    #[error(
        "the key is shorter than {MIN_KEY_CHARS} characters, so that it could be guessed: \
         replace it by one of 32 random bytes, and remove `allow_weak_keys`"
    )]
    WeakKey,
    #[error(
        "the name of this client looks like a key, and names are shown: \
         the key stands before the colon, and the name behind it"
    )]
    NameLikeKey,
    #[error("the file holds no keys, so that every request is refused")]
    NoKeys,
}

impl YamlWarning {
    pub(super) fn new(kind: WarningKind, place: Option<Place>) -> Self {
        Self { path: None, place, kind }
    }

    pub(super) fn at(self, path: &Arc<Path>) -> Self {
        Self { path: Some(Arc::clone(path)), ..self }
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
    place: Option<Place>,
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

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    pub(super) fn new(line: usize, column: usize) -> Self {
        // A file has at most 2^30 bytes.
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: narrow(line), column: narrow(column) }
    }

    /// The place behind this text, which begins here (YAML 1.2 section 5.4: a line ends with LF,
    /// CR, or both).
    pub(super) fn behind(mut self, text: &str) -> Self {
        let mut behind_cr = false;
        for character in text.chars() {
            match character {
                '\n' if behind_cr => {}
                '\n' | '\r' => self = Self { line: self.line + 1, column: 1 },
                _ => self.column += 1,
            }
            behind_cr = character == '\r';
        }
        self
    }
}

/// An error before the file is named.
#[derive(Debug)]
pub(super) struct Fault {
    kind: FaultKind,
    place: Option<Place>,
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, place: None }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        FaultKind::Io(error).into()
    }
}

#[cfg(test)]
impl Fault {
    pub(super) fn place(&self) -> Option<Place> {
        self.place
    }

    pub(super) fn is_too_large(&self) -> bool {
        matches!(self.kind, FaultKind::TooLarge)
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FaultKind {
    #[error("the file cannot be read ({0}): check the path and its permissions")]
    Io(io::Error),
    #[error("the file is larger than one gibibyte: keep so many keys in a database")]
    TooLarge,
    #[error("this byte is not UTF-8: save the file as UTF-8")]
    NotUtf8,
    #[error(
        "this is not valid YAML ({0}): write `KEY: client name`, one a line and all indented alike, \
         and put a text with `: ` or ` #` in it in quotes"
    )]
    Syntax(String),
    #[error("there is a control character here: remove it, and save the file as UTF-8")]
    Control,
    #[error("there is a byte order mark here: remove it, since it may stand only at the beginning")]
    ByteOrderMark,
    #[error("there is a tab here, which cannot indent YAML: use spaces")]
    Tab,
    #[error("a text cannot begin with this character: put it in quotes")]
    Indicator,
    #[error("this bracket has no partner: put the text in quotes if the bracket belongs to it")]
    Bracket,
    #[error(
        "this quote has no partner: close it, or put the text in quotes of the other kind if the \
         quote belongs to it"
    )]
    Quote,
    #[error(
        "there is text behind the closing quote: put all of it in quotes of the other kind, on one line"
    )]
    BehindQuote,
    #[error(
        "there is an escape in these quotes that YAML does not know: use single quotes, or write \
         `\\\\` for a backslash"
    )]
    Escape,
    #[error("YAML directives (`%`) are not taken in a key file: remove this line")]
    Directive,
    #[error("this is nested deeper than a key file can be: write `KEY: client name`, one a line")]
    TooDeep,
    #[error("a second YAML document begins here: keep all keys in one, without `---` between them")]
    SecondDocument,
    #[error(
        "YAML anchors and aliases (`&`, `*`) are not taken in a key file: \
         write the text itself, in quotes if it begins with one of these characters"
    )]
    Anchor,
    #[error(
        "YAML tags (`!`) are not taken in a key file: \
         put the text in quotes if it begins with `!`"
    )]
    Tag,
    #[error("expected {expected}, found {found}: {way_out}")]
    WrongType { expected: &'static str, found: &'static str, way_out: &'static str },
    #[error(
        "unknown field (not shown here, since it may be a key); the nearest known one is \
         `{nearest}`: keys stand indented below `api_keys:`, as `KEY: client name`"
    )]
    UnknownField { nearest: &'static str },
    #[error("the field `{field}` is here a second time, after line {first}: keep one of the two")]
    SecondField { field: &'static str, first: u32 },
    #[error("this key is already in the file, on line {first}: give each client a key of its own")]
    SecondKey { first: u32 },
    #[error("this key has the same id as the one on line {first}: generate a new key")]
    SameId { first: u32 },
    #[error(
        "the key is shorter than {MIN_KEY_CHARS} characters, so that it could be guessed: \
         generate one of 32 random bytes, or set `allow_weak_keys: true` to accept the risk (the key stands before the colon)"
    )]
    WeakKey,
    #[error("no client is named for this key: write `KEY: client name`, `null` and `~` in quotes")]
    NoClient,
    #[error("the key is empty: write `KEY: client name`, or remove the line")]
    EmptyKey,
    #[error("the key goes on in the next line: write it on one")]
    FoldedKey,
    #[error("{0}: replace it")]
    Key(KeyError),
}

impl FaultKind {
    pub(super) fn at(self, place: Place) -> Fault {
        Fault { kind: self, place: Some(place) }
    }
}
