use super::YamlStore;
use crate::manage::{KeyInfo, ManageError, PurgeKeys};

impl YamlStore {
    /// Removes the keys that a purge selects, with their lines, and returns them, sorted by client and then by creation time.
    ///
    /// This store refuses to add them again. The file keeps nothing of them: whoever edits it can add them again, and so can
    /// another process.
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
