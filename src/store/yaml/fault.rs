use std::io;

use crate::client::label::LabelError;
use crate::client::{ParseQuotaError, ParseScopeError, ProfileError};
use crate::key::{ParseDigestError, ParseKeyIdError, TimeError, WeakKey};
use crate::manage::KeyError;

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Position {
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
    place: Option<Position>,
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

impl Fault {
    pub(super) fn place(&self) -> Option<Position> {
        self.place
    }

    pub(super) fn kind(&self) -> &FaultKind {
        &self.kind
    }

    #[cfg(test)]
    pub(super) fn is_too_large(&self) -> bool {
        matches!(self.kind, FaultKind::TooLarge)
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FaultKind {
    #[error("the file cannot be read ({0}): check the path and its permissions")]
    Io(io::Error),
    #[error("this is not a regular file, and only regular files are read: give the path of one")]
    NotRegular,
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing shows it"))]
    #[error(
        "the file was replaced outside of this mount, where no change is seen any more: mount its folder \
         instead of the file, and restart the service"
    )]
    Replaced,
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
    #[error("expected {expected}, found null: {way_out} (`null` and `~` are texts only in quotes)")]
    Null { expected: &'static str, way_out: &'static str },
    #[error(
        "this line is read as more of the text on line {first}, because it is indented deeper (between \
         brackets, because there is no comma before it): indent it like its neighbours, or write that \
         text on one line"
    )]
    SecondLine { first: u32 },
    #[error(
        "this line is inside of the quotes that open on line {first}: close them on that line, since a text \
         stands on one line"
    )]
    SecondQuotedLine { first: u32 },
    #[error(
        "this text is written with `|` or `>`, which is for several lines, and a text stands on one line: \
         write it behind the colon, in quotes if it needs them"
    )]
    BlockScalar,
    #[error(
        "unknown field (not shown here, since it may be a key); the nearest known one is \
         `{nearest}`: {way_out}"
    )]
    UnknownField { nearest: &'static str, way_out: &'static str },
    #[error("the field `{field}` is here a second time, after line {first}: keep one of the two")]
    SecondField { field: &'static str, first: u32 },
    #[error("this key is already in the file, on line {first}: give each client a key of its own")]
    SecondKey { first: u32 },
    #[error("this key has the same id as the one on line {first}: generate a new key")]
    SameId { first: u32 },
    #[error(
        "{0}: generate one of 32 random bytes, or set `allow_weak_keys: true` to accept the risk \
         (the key stands before the colon)"
    )]
    WeakKey(WeakKey),
    #[error("no client is named for this key: write `KEY: client name`, `null` and `~` in quotes")]
    NoClient,
    #[error("the key is empty: write `KEY: client name`, or remove the line")]
    EmptyKey,
    #[error("{0}: replace it")]
    Key(KeyError),
    #[error(
        "this file is of a version that this keygate does not know; it knows version {known}: \
         update keygate, or write `version: {known}` if the file needs nothing newer"
    )]
    Version { known: u32 },
    #[error("{0}: choose another name")]
    Client(ProfileError),
    #[error("this client is in the file already, on line {first}: keep all of it in one place")]
    SecondClient { first: u32 },
    #[error("{0}")]
    Scope(ParseScopeError),
    #[error("{0}")]
    Quota(ParseQuotaError),
    #[error("a quota of nothing: write `unlimited` where there is no limit, or remove the line")]
    NullQuota,
    #[error("a rate is missing: write `{{rate: 100/minute, burst: 20}}`, or `100/minute` alone")]
    NoRate,
    #[error("this name is here a second time, after line {first}: keep one of the two")]
    SecondName { first: u32 },
    #[error("the key has no `digest`: write `digest: sha256:` and 64 hexadecimal digits")]
    NoDigest,
    #[error(
        "{0}: `keygate key issue` writes digests, and a key itself stands below `api_keys:` \
         (what is here is not shown, since it may be a key)"
    )]
    Digest(ParseDigestError),
    #[error("the label does not fit ({0}): choose another")]
    Label(LabelError),
    #[error("{0}, or remove the line")]
    Time(TimeError),
    #[error("{0}")]
    KeyId(ParseKeyIdError),
    #[cfg(feature = "watch")]
    #[error("no thread could be started to follow the file ({0}): open it without following it")]
    Thread(io::Error),
}

impl FaultKind {
    pub(super) fn at(self, place: Position) -> Fault {
        Fault { kind: self, place: Some(place) }
    }
}
