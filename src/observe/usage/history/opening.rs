//! Opens histories.

use std::path::PathBuf;
use std::{env, io};

use super::UsageHistory;
use crate::store::DatabaseError;
use crate::store::usage::UsageTables;

#[cfg(feature = "sqlite")]
const FILE: &str = "usage.db";

/// Returns the folder for the state of a service, from `$STATE_DIRECTORY`. systemd sets it for services with
/// `StateDirectory=`. If it has several folders, the first is returned.
///
/// # Errors
///
/// The variable is not set, or empty.
pub fn state_folder() -> io::Result<PathBuf> {
    let folders = env::var_os("STATE_DIRECTORY").unwrap_or_default();
    let first = env::split_paths(&folders).next().filter(|first| !first.as_os_str().is_empty());
    first.ok_or_else(|| {
        let why = "`STATE_DIRECTORY` is not set: set it to a folder that the service may write, or let \
                   systemd do so (`StateDirectory=`)";
        io::Error::new(io::ErrorKind::NotFound, why)
    })
}

#[cfg(feature = "sqlite")]
mod file {
    use std::path::Path;

    use super::{DatabaseError, FILE, UsageHistory, UsageTables};
    use crate::error::StoreError;

    impl UsageHistory {
        /// Opens `usage.db` in a folder, and creates it if it is missing. The folder must exist.
        ///
        /// Only its owner can read a new file. For keys in a file, use `YamlStore::usage_history` or
        /// `SqliteStore::usage_history` instead, which refuse the folder of the keys: a service that only reads keys
        /// should not need the right to write there.
        ///
        /// # Errors
        ///
        /// The file cannot be created or written, or has other tables.
        pub async fn in_folder(folder: impl AsRef<Path>) -> Result<Self, DatabaseError> {
            Ok(Self::new(UsageTables::file(&folder.as_ref().join(FILE), true).await?))
        }

        /// Opens an existing file, or `usage.db` in a folder.
        ///
        /// # Errors
        ///
        /// The file does not exist, cannot be read, or has other tables.
        pub async fn open(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
            let path = path.as_ref();
            let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
            Ok(Self::new(UsageTables::file(&file, false).await?))
        }

        /// Opens the history in a folder, unless it is the folder of the keys.
        async fn apart(
            folder: &Path,
            is_in: impl FnOnce(&Path) -> std::io::Result<bool>,
        ) -> Result<Self, DatabaseError> {
            let place = folder.display();
            let is_key_folder = is_in(folder).map_err(|error| {
                StoreError::new(format!(
                    "the folder {place} cannot be compared with that of the keys: {error}"
                ))
            })?;
            if is_key_folder {
                let why = format!(
                    "{place} is the folder of the keys, to which a service should not need write \
                     access: keep its \
                     usage in another folder, such as `$STATE_DIRECTORY`"
                );
                return Err(DatabaseError::Location { why });
            }
            Self::in_folder(folder).await
        }
    }

    impl crate::store::SqliteStore {
        /// Opens the usage that is kept in `usage.db` in a folder, and creates it if it is missing.
        ///
        /// # Errors
        ///
        /// As for [`UsageHistory::in_folder`], or the folder is that of the keys.
        pub async fn usage_history(
            &self,
            folder: impl AsRef<Path>,
        ) -> Result<UsageHistory, DatabaseError> {
            UsageHistory::apart(folder.as_ref(), |folder| self.is_in(folder)).await
        }
    }

    #[cfg(feature = "yaml")]
    impl crate::store::YamlStore {
        /// Opens the usage that is kept in `usage.db` in a folder, and creates it if it is missing.
        ///
        /// # Errors
        ///
        /// As for [`UsageHistory::in_folder`], or the folder is that of the keys.
        pub async fn usage_history(
            &self,
            folder: impl AsRef<Path>,
        ) -> Result<UsageHistory, DatabaseError> {
            UsageHistory::apart(folder.as_ref(), |folder| self.is_in(folder)).await
        }
    }
}

#[cfg(feature = "postgres")]
mod database {
    use super::{DatabaseError, UsageHistory, UsageTables};
    use crate::store::PostgresStore;

    impl UsageHistory {
        /// Connects to the PostgreSQL database at a URL: see [`PostgresStore::connect`].
        ///
        /// # Errors
        ///
        /// As for [`PostgresStore::connect`].
        pub async fn connect(url: &str) -> Result<Self, DatabaseError> {
            Ok(PostgresStore::connect(url).await?.usage_history())
        }
    }

    impl PostgresStore {
        /// Returns the usage in this database. It uses a separate connection.
        pub fn usage_history(&self) -> UsageHistory {
            UsageHistory::new(UsageTables::postgres(self))
        }
    }
}
