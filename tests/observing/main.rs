//! What observers are told.

mod faults;
mod once;
mod outcomes;
mod panics;
mod queue;
mod scene;
