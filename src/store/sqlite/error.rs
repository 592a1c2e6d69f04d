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
    let (code, mut what) = match &error {
        sqlx::Error::Database(error) => {
            (error.code().map(String::from), error.message().to_owned())
        }
        error => (None, error.to_string()),
    };
    if let Some(code) = &code {
        what = format!("{what} (SQLite's code {code})");
    }
    let primary = code.as_deref().and_then(primary);
    let is_busy = primary == Some(SQLITE_BUSY);
    if is_busy && let Some(holders) = holders(path) {
        what = format!("{what}: {holders} must end its transaction first");
    }
    StoreError::new(Fault { path: path.to_owned(), what, is_busy, source: Some(error.into()) })
}

const SQLITE_BUSY: u32 = 5;

/// SQLite's code without the details in its higher bytes.
fn primary(code: &str) -> Option<u32> {
    Some(code.parse::<u32>().ok()? & 0xff)
}

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
