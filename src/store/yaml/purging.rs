use super::YamlStore;
use crate::manage::{KeyInfo, ManageError, PurgeKeys};

impl YamlStore {
    /// Removes the keys that a purge selects, with their lines, and returns them, sorted by client and then by creation time.
    ///
    /// This store refuses to add them again. But the file keeps no trace of them, so an editor or another process can
    /// add them again.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn purge_keys(&self, purge: &PurgeKeys) -> Result<Vec<KeyInfo>, ManageError> {
        if purge.is_dry_run() && !self.is_dry_run {
            return self.dry_run().purge_keys(purge);
        }
        self.change(|keys| keys.purge_keys(purge))
    }
}
