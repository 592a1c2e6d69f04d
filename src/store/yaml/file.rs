//! The file that a store was opened from: locked, read and replaced as a whole.

pub(super) mod fault;
mod holder;
mod lock;
mod replace;
mod target;

pub(super) use fault::{EditFault, edit_error};
pub(super) use lock::{Lock, left_by_edit};
pub(super) use replace::{Replaced, create, replace};
pub(super) use target::Target;

use std::ffi::{OsStr, OsString};

/// The name of a hidden file beside another, which begins with that of the other.
fn beside(name: &OsStr, suffix: &str) -> OsString {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(suffix);
    hidden
}
