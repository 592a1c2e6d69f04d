//! The file that a store was opened from: locked, read and replaced as a whole.

pub(super) mod fault;
mod lock;
mod replace;

pub(super) use fault::{EditFault, edit_error};
pub(super) use lock::{Lock, left_by_edit};
pub(super) use replace::{Replaced, create, replace};

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A hidden file beside another, whose name begins with that of the other.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
