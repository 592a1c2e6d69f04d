use std::path::{Path, PathBuf};

use super::{SqliteStore, inspect};
use crate::store::sql::{DatabaseError, DatabaseFinding};

/// How an SQLite database is opened: see [`SqliteStore::options`].
///
/// ```
/// use keygate::store::SqliteStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("keygate-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("keys.db");
/// let store = SqliteStore::options(&path).max_connections(8).migrate().await?;
/// # drop(store);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a store is opened with them"]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    pub(super) max_connections: u32,
}

impl SqliteOptions {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), max_connections: 4 }
    }

    /// Replaces how many connections answer lookups and lists; one more makes changes.
    ///
    /// The default is 4. Each is a thread with a cache of 2 MB, opened when it is first needed. A
    /// lookup takes some microseconds, so that a few answer many requests; more help where lists of
    /// many keys are read often, or where the disk is slow. Zero counts as one.
    pub fn max_connections(self, count: u32) -> Self {
        Self { max_connections: count, ..self }
    }

    /// Opens a database that has tables: see [`SqliteStore::open`].
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`].
    pub async fn open(self) -> Result<SqliteStore, DatabaseError> {
        SqliteStore::opened(self, false).await
    }

    /// Looks for what keeps the database from being used, and for what can hide or rewrite a change.
    /// It changes nothing; a file or tables that are missing are findings.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn inspect(self) -> Result<Vec<DatabaseFinding>, DatabaseError> {
        inspect::inspect(self).await
    }

    /// Makes what is missing and opens the database: see [`SqliteStore::migrate`].
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::migrate`].
    pub async fn migrate(self) -> Result<SqliteStore, DatabaseError> {
        SqliteStore::opened(self, true).await
    }
}
