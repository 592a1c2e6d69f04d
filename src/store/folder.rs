//! Files in one folder, opened relative to a handle of it.
//!
//! A user who can write to the folder or its parents cannot make keygate open, overwrite, rename or remove a file
//! elsewhere by placing a link.

use std::error::Error;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{Folder, ROOT, owner_of, require_own, require_own_unlinked};
#[cfg(unix)]
pub(crate) use unix::{Folder, ROOT, is_own, owner_of, require_own, require_own_unlinked};

/// Reason why an existing file is neither trusted nor overwritten.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(unix), expect(dead_code, reason = "there is less to check"))]
pub(crate) enum UntrustedFile {
    #[error("it is a symbolic link")]
    Link,
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it has another name, a hard link")]
    HardLink,
    #[error("it belongs to user {0}")]
    Owner(u32),
    #[error("keygate did not write its content")]
    Content,
}

impl From<UntrustedFile> for io::Error {
    fn from(why: UntrustedFile) -> Self {
        Self::other(why)
    }
}

/// Returns whether a file was refused as untrusted.
pub(crate) fn is_untrusted(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<UntrustedFile>)
}

/// Returns the folder of a file.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
