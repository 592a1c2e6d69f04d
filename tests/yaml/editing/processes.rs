//! Several processes and threads at one file, and processes that are killed.

mod dropping;
mod killing;
mod waiting;
pub(crate) mod worker;
mod writing;
