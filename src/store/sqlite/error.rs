use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::store::lock_holders::lock_holders;
use crate::store::sql::DatabaseError;

/// An error of SQLite or the system about a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
struct FileError {
    path: PathBuf,
    message: String,
    #[source]
    source: Option<Source>,
}

type Source = Box<dyn std::error::Error + Send + Sync>;

impl FileError {
    fn new(path: &Path, message: String, source: Option<Source>) -> Self {
        Self { path: path.to_owned(), message, source }
    }
}

/// The purpose of a connection.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Read,
    /// A failed statement changes nothing, since its transaction is rolled back.
    Change,
}

/// Converts the error of a query. Says what to do, and names the processes that hold locks.
pub(super) fn query_error(path: &Path, access: Access, error: sqlx::Error) -> StoreError {
    let (code, mut message) = code_and_message(&error);
    if let Some(hint) = code.and_then(hint) {
        return with_hint(path, access, &message, hint, error);
    }
    let is_busy = code.is_some_and(|code| code & 0xff == SQLITE_BUSY);
    // In WAL mode, writers lock this file.
    let mut shared = path.as_os_str().to_owned();
    shared.push("-shm");
    let files = [path, Path::new(&shared)].map(std::fs::metadata);
    if is_busy && let Some(holders) = lock_holders(files) {
        message = format!("{message}: {holders} must end its transaction first");
    }
    let error = FileError::new(path, message, Some(error.into()));
    if is_busy { StoreError::busy(error) } else { StoreError::new(error) }
}

/// Converts the error of the first query after a file was opened.
pub(super) fn read_error(path: &Path, access: Access, error: sqlx::Error) -> StoreError {
    let (code, message) = code_and_message(&error);
    match code.map(|code| (code, code & 0xff)) {
        Some((code, SQLITE_READONLY | SQLITE_CANTOPEN)) if code != SQLITE_READONLY_ROLLBACK => {
            with_hint(path, access, &message, WAL_RIGHTS, error)
        }
        _ => query_error(path, access, error),
    }
}

fn with_hint(
    path: &Path,
    access: Access,
    message: &str,
    hint: &str,
    error: sqlx::Error,
) -> StoreError {
    let end = match access {
        Access::Read => "",
        Access::Change => "; nothing was changed",
    };
    StoreError::new(FileError::new(path, format!("{message}: {hint}{end}"), Some(error.into())))
}

/// Returns what to do about an error with this code.
fn hint(code: u32) -> Option<&'static str> {
    // The lowest byte is the primary result code.
    match (code, code & 0xff) {
        (SQLITE_READONLY_ROLLBACK, _) => Some(INTERRUPTED),
        // The file was moved while it was open, which has nothing to do with rights.
        (SQLITE_READONLY_DBMOVED, _) => None,
        (_, SQLITE_READONLY) => Some(READ_ONLY),
        (_, SQLITE_FULL) => Some(FULL),
        (_, SQLITE_CORRUPT) => Some(DAMAGED),
        (_, SQLITE_NOTADB) => Some(NO_DATABASE),
        _ => None,
    }
}

fn code_and_message(error: &sqlx::Error) -> (Option<u32>, String) {
    let sqlx::Error::Database(error) = error else { return (None, error.to_string()) };
    let Some(code) = error.code() else { return (None, error.message().to_owned()) };
    (code.parse().ok(), format!("{} (SQLite's code {code})", error.message()))
}

const INTERRUPTED: &str = "a change was interrupted, and only a user who may write the file and its \
    folder can roll it back: open the database once as that user";
const WAL_RIGHTS: &str = "the file is probably in WAL mode, in which even readers need the right \
    to read and write the `-wal` and `-shm` files beside it: give the user the right to write the \
    folder, or let the file's owner run `pragma journal_mode = delete`";
const READ_ONLY: &str = "give this user the right to write the file and its folder, in which SQLite \
    keeps a journal, and check that the file system is not mounted read-only";
const FULL: &str = "free some space on its disk";
const DAMAGED: &str =
    "the file is damaged: restore a backup with `.restore` (see docs/databases.md)";
const NO_DATABASE: &str =
    "choose another file, or replace it with a backup if it was a database (see docs/databases.md)";

const SQLITE_BUSY: u32 = 5;
const SQLITE_READONLY: u32 = 8;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_NOTADB: u32 = 26;
const SQLITE_READONLY_ROLLBACK: u32 = 776;
const SQLITE_READONLY_DBMOVED: u32 = 1032;

pub(super) fn io_error(path: &Path, error: std::io::Error) -> StoreError {
    let message = error.to_string();
    StoreError::new(FileError::new(path, message, Some(error.into())))
}

pub(super) fn file_error(path: &Path, message: &str) -> StoreError {
    StoreError::new(FileError::new(path, message.to_owned(), None))
}

/// Converts the error for unusable tables, which is an outage for lookups and changes.
pub(super) fn unusable(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::Unavailable(error) => error,
        error => StoreError::new(FileError::new(path, error.to_string(), Some(error.into()))),
    }
}
