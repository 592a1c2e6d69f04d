use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::manage::ManageError;
use crate::store::yaml::error::YamlError;

/// What kept a key file from being edited, with the way out.
#[derive(Debug, thiserror::Error)]
pub(in crate::store::yaml) enum EditFault {
    #[error("the file cannot be found ({0}): check the path")]
    Find(io::Error),
    #[error("its folder is not there: make it first")]
    NoFolder,
    #[error("its folder cannot be opened ({0}): whoever edits the file needs to write to it")]
    Folder(io::Error),
    #[error(
        "the file is mounted by itself, so that no other can take its place: mount its folder instead, or \
         edit the file where it is mounted from; nothing was changed"
    )]
    Mounted,
    #[error(
        "the lock `{}` is not one that keygate made for this file ({error}): find out who put it \
         there, and remove it; nothing was changed",
        .path.display()
    )]
    ForeignLock { path: PathBuf, error: io::Error },
    #[error(
        "the lock `{}` cannot be made ({error}): whoever edits the file needs to write to its folder",
        .path.display()
    )]
    Lock { path: PathBuf, error: io::Error },
    #[error(
        "{holder} has held the lock of the file for 30 seconds: end it, and try again; nothing was changed"
    )]
    Busy { holder: String },
    #[error(
        "no file can be made beside it ({0}), and a file is replaced as a whole: whoever edits it \
         needs to write to its folder; nothing was changed"
    )]
    Make(io::Error),
    #[error("the new file could not be written ({0}): nothing was changed")]
    Write(io::Error),
    #[error(
        "the file belongs to another user or group, and the new one cannot be given to them ({0}): edit \
         it as that user; nothing was changed"
    )]
    Owner(io::Error),
    #[cfg(unix)]
    #[error(
        "the file has another name (a hard link), under which it would stay as it is: remove that \
         name, or use a symbolic link; nothing was changed"
    )]
    HardLink,
    #[error("the new file could not take the place of the old one ({0}): nothing was changed")]
    Rename(io::Error),
    #[error(
        "the file was changed, but its folder could not be written out ({0}): the change may not \
         outlast a power cut"
    )]
    Sync(String),
    #[error(
        "the file is laid out in a way that cannot be edited here without changing more than was \
         meant: write each client and each key on lines of their own; nothing was changed"
    )]
    Layout,
    #[error(
        "line {line} is in flow style (between brackets, as in JSON), which is read and not edited: \
         `keygate export` writes the same clients and keys as a file in block style, which can be; \
         nothing was changed"
    )]
    Flow { line: usize },
    #[error("the file changes faster than it can be edited: nothing was changed")]
    Restless,
    #[error(
        "line {line} also holds one of these keys, perhaps in a comment: remove it there first; \
         nothing was changed"
    )]
    PlainElsewhere { line: usize },
    #[error("a file of this name exists already: choose another, or remove it")]
    Exists,
    #[error("no thread could be started for the edit ({0}): nothing was changed")]
    Thread(io::Error),
}

#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", .path.display())]
struct EditError {
    path: PathBuf,
    #[source]
    fault: EditFault,
}

/// As those see it who manage the store.
pub(in crate::store::yaml) fn edit_error(path: &Path, fault: EditFault) -> ManageError {
    let error = match &fault {
        EditFault::Lock { error, .. } | EditFault::Make(error) | EditFault::Write(error) => {
            Some(error)
        }
        _ => None,
    };
    if error.is_some_and(|error| error.kind() == io::ErrorKind::ReadOnlyFilesystem) {
        return ManageError::ReadOnly {
            why: "the file is on a read-only mount: change it where it comes from",
        };
    }
    let refuses = matches!(
        fault,
        EditFault::Layout
            | EditFault::Flow { .. }
            | EditFault::PlainElsewhere { .. }
            | EditFault::Exists
    );
    let error = EditError { path: path.to_owned(), fault };
    if refuses {
        return ManageError::NotEditable { why: error.to_string() };
    }
    ManageError::Unavailable(StoreError::new(error))
}

impl From<YamlError> for ManageError {
    fn from(error: YamlError) -> Self {
        Self::Unavailable(StoreError::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::yaml::report::holder_text;

    #[test]
    fn lock_held_for_too_long_is_an_outage_that_names_its_holder() {
        let said = |id, name| {
            let holder = holder_text(id, name);
            edit_error("a.yml".as_ref(), EditFault::Busy { holder }).to_string()
        };
        let rest = "has held the lock of the file for 30 seconds: end it, and try again; nothing was changed";
        assert_eq!(said(Some(12), Some("vi")), format!("a.yml: process 12 (vi) {rest}"));
        assert_eq!(said(None, None), format!("a.yml: another process {rest}"));
    }
}
