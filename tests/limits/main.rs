//! Quotas, failed attempts, usage and observers.

#[path = "../common/allocator.rs"]
mod allocator;
#[path = "../common/mod.rs"]
mod common;

mod clock;
mod failures;
mod memory;
mod observing;
mod throttling;
mod usage;
