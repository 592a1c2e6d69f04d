use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// What SQLite or the system said about a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
struct Fault {
    path: PathBuf,
    what: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

pub(super) fn fault(path: &Path, error: sqlx::Error) -> StoreError {
    let what = match &error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("{} (SQLite's code {code})", error.message()),
            None => error.message().to_owned(),
        },
        error => error.to_string(),
    };
    StoreError::new(Fault { path: path.to_owned(), what, source: Some(error.into()) })
}

pub(super) fn input_fault(path: &Path, error: std::io::Error) -> StoreError {
    StoreError::new(Fault {
        path: path.to_owned(),
        what: error.to_string(),
        source: Some(error.into()),
    })
}

pub(super) fn plain_fault(path: &Path, what: &str) -> StoreError {
    StoreError::new(Fault { path: path.to_owned(), what: what.to_owned(), source: None })
}

/// To those who look up or change, tables that cannot be used are an outage.
pub(super) fn outage(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::Unavailable(error) => error,
        error => StoreError::new(Fault {
            path: path.to_owned(),
            what: error.to_string(),
            source: Some(error.into()),
        }),
    }
}
