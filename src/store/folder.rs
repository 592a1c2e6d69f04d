//! Files in one folder, opened relative to a handle of it.
//!
//! Nobody who can write to the folder, or to one above it, can have keygate open, overwrite, rename or
//! remove a file elsewhere by putting a link in its place.

use std::error::Error;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{Folder, ROOT, own, own_alone, owner_of};
#[cfg(unix)]
pub(crate) use unix::{Folder, ROOT, is_own, own, own_alone, owner_of};

/// Why a file that is there already is not written to or trusted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(unix), expect(dead_code, reason = "there is less to check"))]
pub(crate) enum Foreign {
    #[error("it is a symbolic link")]
    Link,
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it has another name, a hard link")]
    HardLink,
    #[error("it belongs to user {0}")]
    Owner(u32),
    #[error("it holds something that keygate did not write")]
    Content,
}

impl From<Foreign> for io::Error {
    fn from(why: Foreign) -> Self {
        Self::other(why)
    }
}

/// Returns whether a file was refused because somebody else may have prepared it.
pub(crate) fn is_foreign(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<Foreign>)
}

/// The folder that a file is in.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
