//! Temporary folders.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::{Builder, TempDir};

/// A folder that every user may enter, unlike those of `tempfile`, which only the owner may enter.
pub(crate) fn shared_folder() -> TempDir {
    let everyone = Permissions::from_mode(0o755);
    Builder::new().prefix("keygate-").permissions(everyone).tempdir().expect("a temporary folder")
}
