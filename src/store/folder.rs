//! Files in one folder, opened relative to a handle of it.
//!
//! A user who can write to the folder or its parents cannot make keygate open, overwrite, rename or remove a file
//! elsewhere by placing a link.

use std::error::Error;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
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

impl Folder {
    /// Opens a file with `open`, or creates it. A new file gets this owner, whom a file of root would shut out.
    ///
    /// # Errors
    ///
    /// The file [is untrusted](is_untrusted), or cannot be opened or created.
    pub(crate) fn open_or_create(
        &self,
        name: &OsStr,
        owner: &Metadata,
        open: fn(&Self, &OsStr) -> io::Result<File>,
    ) -> io::Result<File> {
        loop {
            match self.create(name) {
                Ok(file) => copy_owner(&file, owner),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            let opened = open(self, name);
            match opened.and_then(|file| require_own_unlinked(file, Some(owner_of(owner)))) {
                // Another process removed the file since it was created.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return opened,
            }
        }
    }
}

/// Gives a new file to this owner. Fails if root lacks the capability.
fn copy_owner(file: &File, owner: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
    #[cfg(not(unix))]
    let _ = (file, owner);
}

/// Returns the folder of a file.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
