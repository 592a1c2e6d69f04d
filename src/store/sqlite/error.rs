use std::path::{Path, PathBuf};

use super::holders::holders;
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// What SQLite or the system said about a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
struct Fault {
    path: PathBuf,
    what: String,
    is_busy: bool,
    #[source]
    source: Option<Source>,
}

type Source = Box<dyn std::error::Error + Send + Sync>;

impl Fault {
    fn new(path: &Path, what: String, source: Option<Source>) -> Self {
        Self { path: path.to_owned(), what, is_busy: false, source }
    }
}

pub(super) fn fault(path: &Path, error: sqlx::Error) -> StoreError {
    let (code, mut what) = code_and_words(&error);
    let is_busy = code.is_some_and(|code| code & 0xff == SQLITE_BUSY);
    if is_busy && let Some(holders) = holders(path) {
        what = format!("{what}: {holders} must end its transaction first");
    }
    StoreError::new(Fault { path: path.to_owned(), what, is_busy, source: Some(error.into()) })
}

/// As [`fault`], of a file that could be opened and cannot be read.
pub(super) fn reading_fault(path: &Path, error: sqlx::Error) -> StoreError {
    let (code, what) = code_and_words(&error);
    // The higher bytes of a code are details.
    let hint = match code.map(|code| (code, code & 0xff)) {
        Some((SQLITE_READONLY_ROLLBACK, _)) => CUT_OFF,
        Some((_, SQLITE_READONLY | SQLITE_CANTOPEN)) => WRITE_AHEAD_LOG,
        _ => return fault(path, error),
    };
    StoreError::new(Fault::new(path, format!("{what}: {hint}"), Some(error.into())))
}

fn code_and_words(error: &sqlx::Error) -> (Option<u32>, String) {
    let sqlx::Error::Database(error) = error else { return (None, error.to_string()) };
    let Some(code) = error.code() else { return (None, error.message().to_owned()) };
    (code.parse().ok(), format!("{} (SQLite's code {code})", error.message()))
}

const CUT_OFF: &str = "a change was cut off here, and only a user who may write the file and its \
    folder can roll it back: open it once as such a user";
const WRITE_AHEAD_LOG: &str = "the file is probably in WAL mode, in which readers, too, need the right \
    to read and write the `-wal` and `-shm` files beside it: give the user the right to write the \
    folder, or let the file's owner run `pragma journal_mode = delete`";

const SQLITE_BUSY: u32 = 5;
const SQLITE_READONLY: u32 = 8;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_READONLY_ROLLBACK: u32 = 776;

/// Returns whether another connection or process holds a lock of the file, and nothing else is wrong.
pub(super) fn is_busy(error: &StoreError) -> bool {
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref::<Fault>()).is_some_and(|fault| fault.is_busy)
}

pub(super) fn input_fault(path: &Path, error: std::io::Error) -> StoreError {
    let what = error.to_string();
    StoreError::new(Fault::new(path, what, Some(error.into())))
}

pub(super) fn plain_fault(path: &Path, what: &str) -> StoreError {
    StoreError::new(Fault::new(path, what.to_owned(), None))
}

/// To those who look up or change, tables that cannot be used are an outage.
pub(super) fn outage(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::Unavailable(error) => error,
        error => StoreError::new(Fault::new(path, error.to_string(), Some(error.into()))),
    }
}
