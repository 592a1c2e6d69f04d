//! What observers are told.

mod faults;
mod fixture;
mod metrics;
mod once;
mod outcomes;
mod panics;
mod queue;
