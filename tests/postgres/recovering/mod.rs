//! One list of faults, on every store: what a store says while a fault lasts, and that it recovers by
//! itself once the fault is repaired.

mod databases;
mod faults;
mod files;
mod folder;
mod memory;
