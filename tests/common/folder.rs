//! Temporary folders.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::{Builder, TempDir};

/// A folder that every user may enter; one of `tempfile` is for its owner alone.
pub(crate) fn shared_folder() -> TempDir {
    let everyone = Permissions::from_mode(0o755);
    Builder::new().prefix("keygate-").permissions(everyone).tempdir().expect("a temporary folder")
}
