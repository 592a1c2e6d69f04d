//! One list of faults for every store: its responses during a fault, and its recovery without a restart after
//! the repair.

mod databases;
mod faults;
mod files;
mod folder;
mod memory;
