//! What observers get.

mod faults;
mod fixture;
mod metrics;
mod once;
mod outcomes;
mod panics;
mod queue;
