//! What observers are told.

mod faults;
mod metrics;
mod once;
mod outcomes;
mod panics;
mod queue;
mod scene;
