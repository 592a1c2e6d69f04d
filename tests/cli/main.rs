//! The command-line tool, as its users start it.
#![cfg(unix)]

mod asking;
mod checking;
mod clients;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod databases;
mod delivering;
mod exit_codes;
mod flow_style;
mod importing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod inspecting;
mod issuing;
mod key_files;
mod linting;
mod listing;
#[cfg(feature = "postgres")]
mod passwords;
mod revoking;
mod rotating;
#[cfg(feature = "postgres")]
#[path = "../servers/mod.rs"]
mod servers;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod store_files;
mod times;
mod tool;
mod usage;
mod waiting;
