use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::manage::ManageError;
use crate::store::yaml::error::KeyFileError;

/// Reason why a key file was not edited, with a hint.
#[derive(Debug, thiserror::Error)]
pub(in crate::store::yaml) enum EditErrorKind {
    #[error("the file cannot be found ({0}): check the path")]
    Find(io::Error),
    #[error("the folder {} does not exist: create it first", .0.display())]
    NoFolder(PathBuf),
    #[error("its folder cannot be opened ({0}): editing the file takes write access to it")]
    Folder(io::Error),
    #[error(
        "the file is mounted without its folder and cannot be replaced: mount its folder instead, \
         or edit the file \
         where it is mounted from; nothing was changed"
    )]
    Mounted,
    #[error(
        "keygate did not create the lock `{}` for this file ({error}): find out who put it there, \
         and \
         remove it; nothing was changed",
        .path.display()
    )]
    UntrustedLock { path: PathBuf, error: io::Error },
    #[error(
        "the lock `{}` cannot be created ({error}): editing the file takes write access to its \
         folder",
        .path.display()
    )]
    Lock { path: PathBuf, error: io::Error },
    #[error(
        "{holder} has held the lock of the file for 30 seconds: end it, and try again; nothing was changed"
    )]
    Busy { holder: String },
    #[error(
        "no new file can be created to replace it ({0}): editing the file takes write access to \
         its folder; \
         nothing was changed"
    )]
    Create(io::Error),
    #[error("the new file could not be written ({0}): nothing was changed")]
    Write(io::Error),
    #[error(
        "the file belongs to another user or group, and the new one cannot be given to them ({0}): edit \
         it as that user; nothing was changed"
    )]
    Owner(io::Error),
    #[cfg_attr(not(unix), allow(dead_code))]
    #[error(
        "the file has another name (a hard link), which would keep the old content: remove that \
         link, or \
         use a symbolic link; nothing was changed"
    )]
    HardLink,
    #[error("the new file could not replace the old one ({0}): nothing was changed")]
    Rename(io::Error),
    #[error(
        "the file was changed, but its folder could not be synced to the disk ({0}): the change may not \
         survive a power failure"
    )]
    Sync(String),
    #[error(
        "line {line} is laid out in a way that cannot be edited: write each client and each key on \
         separate lines, without `?`, or let `keygate export` write the file; nothing was changed"
    )]
    Layout { line: usize },
    #[error(
        "line {line} is in flow style (between brackets, as in JSON), which is read but not edited: \
         `keygate export` writes the same clients and keys in block style, which can be edited; \
         nothing was changed"
    )]
    Flow { line: usize },
    #[error("the file keeps changing during the edit: nothing was changed")]
    Unstable,
    #[error(
        "line {line} also contains one of these keys, perhaps in a comment: remove it there first; \
         nothing was changed"
    )]
    PlaintextElsewhere { line: usize },
    #[error("a file of this name already exists: choose another name, or remove the file")]
    Exists,
    #[error("no thread could be started for the edit ({0}): nothing was changed")]
    Thread(io::Error),
}

impl EditErrorKind {
    /// Returns whether the file cannot be edited as it is, which is no outage.
    fn is_of_file(&self) -> bool {
        match self {
            Self::Layout { .. }
            | Self::Flow { .. }
            | Self::PlaintextElsewhere { .. }
            | Self::Exists => true,
            Self::Find(_)
            | Self::NoFolder(_)
            | Self::Folder(_)
            | Self::Mounted
            | Self::UntrustedLock { .. }
            | Self::Lock { .. }
            | Self::Busy { .. }
            | Self::Create(_)
            | Self::Write(_)
            | Self::Owner(_)
            | Self::HardLink
            | Self::Rename(_)
            | Self::Sync(_)
            | Self::Unstable
            | Self::Thread(_) => false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", .path.display())]
struct EditError {
    path: PathBuf,
    #[source]
    kind: EditErrorKind,
}

/// Returns the error that callers of `ManageKeys` get.
pub(in crate::store::yaml) fn edit_error(path: &Path, kind: EditErrorKind) -> ManageError {
    if let EditErrorKind::Lock { error, .. }
    | EditErrorKind::Create(error)
    | EditErrorKind::Write(error) = &kind
        && error.kind() == io::ErrorKind::ReadOnlyFilesystem
    {
        let why = "the file is on a read-only mount: change the original file";
        return ManageError::ReadOnly { why: why.into() };
    }
    let is_of_file = kind.is_of_file();
    let error = EditError { path: path.to_owned(), kind };
    if is_of_file {
        ManageError::NotEditable { why: error.to_string() }
    } else {
        ManageError::Unavailable(StoreError::new(error))
    }
}

impl From<KeyFileError> for ManageError {
    fn from(error: KeyFileError) -> Self {
        Self::Unavailable(StoreError::new(error))
    }
}
