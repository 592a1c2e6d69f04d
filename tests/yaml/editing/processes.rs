//! Several processes and threads on one file, and killed processes.

mod dropping;
mod killing;
mod waiting;
pub(crate) mod worker;
mod writing;
