//! The command-line tool, as its users start it.
#![cfg(unix)]

mod asking;
mod checking;
mod clients;
mod delivering;
mod issuing;
mod key_files;
mod listing;
mod revoking;
mod rotating;
mod tool;
mod usage;
