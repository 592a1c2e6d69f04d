//! The file that a store was opened from: it is locked, read and replaced as a whole.

pub(super) mod edit_error;
mod lock;
mod replace;
mod target;

pub(super) use edit_error::{EditErrorKind, edit_error};
pub(super) use lock::{Lock, digest_of_last_edit};
pub(super) use replace::{Replaced, check_writable, create, replace};
pub(super) use target::Target;
