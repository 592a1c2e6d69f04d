use std::path::{Path, PathBuf};

/// Options for opening an SQLite database.
///
/// Created by [`SqliteStore::options`](crate::store::SqliteStore::options).
///
/// ```
/// use keygate::store::SqliteStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("keygate-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("keys.db");
/// let store = SqliteStore::options(&path).with_max_connections(8).migrate().await?;
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

    /// Replaces the maximum number of connections for lookups and lists. Changes use one more.
    ///
    /// The default is 4; 0 counts as 1. Each connection is a thread with a cache of up to 32 MB, opened when it is
    /// first needed. A lookup takes some microseconds, so a few connections serve many requests. More help if
    /// long lists of keys are read often, or if the disk is slow.
    pub fn with_max_connections(self, count: u32) -> Self {
        Self { max_connections: count, ..self }
    }
}
