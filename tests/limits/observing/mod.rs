//! The outcomes that observers receive.

mod actix;
mod by_hand;
mod faults;
mod fixture;
mod metrics;
mod once;
mod outcomes;
mod panics;
mod queue;
