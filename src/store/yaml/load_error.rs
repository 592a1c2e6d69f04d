use std::io;
use std::path::Path;

use crate::client::label::LabelError;
use crate::client::{ParseNetworkError, ParseQuotaError, ParseScopeError, ProfileError};
use crate::key::{ParseDigestError, ParseKeyIdError, TimeError, WeakKey};
use crate::manage::{KeyError, PolicyError};

use super::position::{Place, Position};

/// Why a text is not a valid key file, and the position of the mistake.
#[derive(Debug)]
pub(super) struct LoadError {
    pub(super) kind: LoadErrorKind,
    pub(super) position: Option<Position>,
    /// The file in a folder.
    pub(super) file: Option<Box<Path>>,
}

impl LoadError {
    /// Names the file of a folder.
    pub(super) fn in_file(self, name: impl AsRef<Path>) -> Self {
        let kind = match self.kind {
            LoadErrorKind::NotRegular => LoadErrorKind::NotRegularInFolder,
            kind => kind,
        };
        Self { kind, file: Some(name.as_ref().into()), ..self }
    }
}

impl From<LoadErrorKind> for LoadError {
    fn from(kind: LoadErrorKind) -> Self {
        Self { kind, position: None, file: None }
    }
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        LoadErrorKind::Io(error).into()
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum LoadErrorKind {
    #[error("the file cannot be read ({0}): check the path and its permissions")]
    Io(#[source] io::Error),
    #[error("this is not a regular file, and only regular files are read: give the path of one")]
    NotRegular,
    #[error("the folder cannot be read ({0}): check the path of the folder and its permissions")]
    Folder(#[source] io::Error),
    #[error(
        "this is not a regular file, and each entry of the folder must be one: remove it, or use a folder that holds \
         only files with keys"
    )]
    NotRegularInFolder,
    #[error(
        "the name of a file in this folder looks like a key, and names are shown to people: name \
         each file after its client, and write the keys into it"
    )]
    FileNameLikeKey,
    #[error("the name of this file is not UTF-8: rename it to the name of its client")]
    FileName,
    #[error("the files of the folder are larger than 1 GiB: keep this many keys in a database")]
    FolderTooLarge,
    #[error("the key is in quotes, which would be part of it: remove them")]
    QuotedKey,
    #[error("a key cannot begin with `#`, since this line may be a comment: remove the line")]
    Comment,
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing shows it"))]
    #[error(
        "the file was replaced outside this mount, so later changes are not visible here: mount its folder \
         instead of the file, and restart the service"
    )]
    Replaced,
    #[error("the policy: {0}")]
    Policy(PolicyError),
    #[error("the file is larger than 1 GiB: keep this many keys in a database")]
    TooLarge,
    #[error("this byte is not UTF-8: save the file as UTF-8")]
    NotUtf8,
    #[error(
        "this is not valid YAML ({0}): write `KEY: client name`, one per line with the same indentation, \
         and put texts that contain `: ` or ` #` in quotes"
    )]
    Syntax(String),
    #[error("there is a control character here: remove it, and save the file as UTF-8")]
    Control,
    #[error(
        "there is a byte order mark here: remove it, since it is allowed only at the start of the file"
    )]
    ByteOrderMark,
    #[error("there is a tab here, which cannot indent YAML: use spaces")]
    Tab,
    #[error("a text cannot begin with this character: put it in quotes")]
    Indicator,
    #[error(
        "this bracket has no matching one: put the text in quotes if the bracket is part of \
        it"
    )]
    Bracket,
    #[error(
        "this quote is not closed: close it, or put the text in quotes of the other kind if the \
         quote is part of it"
    )]
    Quote,
    #[error(
        "there is text after the closing quote: put the whole text in quotes of the other kind, on one line"
    )]
    AfterQuote,
    #[error(
        "there is an escape in these quotes that YAML does not know: use single quotes, or write \
         `\\\\` for a backslash"
    )]
    Escape,
    #[error("YAML directives (`%`) are not allowed in a key file: remove this line")]
    Directive,
    #[error("this is nested deeper than a key file can be: write `KEY: client name`, one per line")]
    TooDeep,
    #[error("a second YAML document begins here: keep all keys in one document, without `---`")]
    SecondDocument,
    #[error(
        "YAML anchors and aliases (`&`, `*`) are not allowed in a key file: \
         write the text itself, in quotes if it begins with one of these characters"
    )]
    Anchor,
    #[error(
        "YAML tags (`!`) are not allowed in a key file: \
         put the text in quotes if it begins with `!`"
    )]
    Tag,
    #[error("expected {expected}, found {found}: {hint}")]
    WrongType { expected: &'static str, found: &'static str, hint: &'static str },
    #[error("expected {expected}, found null: {hint} (`null` and `~` are texts only in quotes)")]
    Null { expected: &'static str, hint: &'static str },
    #[error(
        "this line continues the text on line {first}, because it is indented deeper (between brackets, \
         because there is no comma before it): indent it like its neighbours, or write that text on one line"
    )]
    SecondLine { first: u32 },
    #[error(
        "this line is inside the quotes that open on line {first}: close them on that line, since a text \
         must fit on one line"
    )]
    SecondQuotedLine { first: u32 },
    #[error(
        "`|` and `>` begin a text of several lines, and a text must fit on one line: write it after the \
         colon, in quotes if necessary"
    )]
    BlockScalar,
    #[error(
        "unknown field (not shown here, since it may be a key); the nearest known one is \
         `{nearest}`: {hint}"
    )]
    UnknownField { nearest: &'static str, hint: &'static str },
    #[error("{}", .what.message(.first))]
    Repeated { what: Repeated, first: Place },
    #[error(
        "the name of a section is one or several names of mappings, joined by dots, such as `keygate` or `auth.keys`"
    )]
    SectionName,
    #[error(
        "keygate's section is below this name, whose value must be a mapping: name another section"
    )]
    SectionType,
    #[error(
        "this file has neither `api_key` nor `api_keys` nor the section `{section}`: write keys indented below \
         `api_keys:`, as `KEY: client name`"
    )]
    NoSection { section: String },
    #[error(
        "this key, or one with its id, is also on line {line} of the file `{client}`: give each client its own key"
    )]
    OtherFile { client: String, line: u32 },
    #[error(
        "{0}: generate a key from 32 random bytes, or set `allow_weak_keys: true` to accept the \
         risk \
         (the key comes before the colon)"
    )]
    WeakKey(WeakKey),
    #[error(
        "no client is named for this key: write `KEY: client name`, with `null` and `~` in \
        quotes"
    )]
    NoClient,
    #[error("the key is empty: write `KEY: client name`, or remove the line")]
    EmptyKey,
    #[error("{0}: replace it")]
    Key(KeyError),
    #[error(
        "this file has a version that this keygate does not support; it supports version {known}: \
         update keygate, or write `version: {known}` if the file needs nothing newer"
    )]
    Version { known: u32 },
    #[error("{0}: choose another name")]
    Client(ProfileError),
    #[error(
        "a key without scopes has all scopes of its client: name some, or remove the line to give it all of them"
    )]
    NoKeyScopes,
    #[error("{0}")]
    Network(ParseNetworkError),
    #[error(
        "an empty list would allow every network: name some, or remove the line to allow all of them"
    )]
    NoNetworks,
    #[error("{0}")]
    Scope(ParseScopeError),
    #[error("{0}")]
    Quota(ParseQuotaError),
    #[error("the quota is empty: write `unlimited` for no limit, or remove the line")]
    NullQuota,
    #[error("a rate is missing: write `{{rate: 100/minute, burst: 20}}`, or `100/minute` alone")]
    NoRate,
    #[error("the key has no `digest`: write `digest: sha256:` and 64 hexadecimal digits")]
    NoDigest,
    #[error(
        "{0}: `keygate key issue` writes digests, and a plaintext key belongs below `api_keys:` \
         (the value is not shown, since it may be a key)"
    )]
    Digest(ParseDigestError),
    #[error("the label {0}: choose another")]
    Label(LabelError),
    #[error("{0}, or remove the line")]
    Time(TimeError),
    #[error("{0}")]
    KeyId(ParseKeyIdError),
    #[error(
        "no thread could be started to follow changes ({0}): open the store without following them"
    )]
    Thread(io::Error),
}

/// An entry that may appear only once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Repeated {
    Field(&'static str),
    Section,
    Key,
    /// A key that has the id of another one.
    KeyId,
    Client,
    /// A name in the metadata of a client.
    Name,
}

impl Repeated {
    fn message(self, first: &Place) -> String {
        match self {
            Self::Field(field) => {
                format!("the field `{field}` appears twice, first {first}: keep one of the two")
            }
            Self::Section => {
                format!("keygate's section appears twice, first {first}: merge the two")
            }
            Self::Key => {
                format!("this key is already in the file, {first}: give each client its own key")
            }
            Self::KeyId => {
                format!("this key has the same id as the one {first}: generate a new key")
            }
            Self::Client => {
                format!("this client is already in the file, {first}: merge the two entries")
            }
            Self::Name => format!("this name appears twice, first {first}: keep one of the two"),
        }
    }
}

impl LoadErrorKind {
    pub(super) fn at(self, position: Position) -> LoadError {
        LoadError { kind: self, position: Some(position), file: None }
    }
}
