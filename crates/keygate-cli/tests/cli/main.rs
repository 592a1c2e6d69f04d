//! The command-line tool as users run it.
#![cfg(unix)]

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod admin;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod admin_stores;
mod asking;
mod auditing;
mod checking;
mod clients;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[expect(dead_code, reason = "the tests of the examples use the rest")]
#[path = "../../../../tests/examples/curl.rs"]
mod curl;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod databases;
mod delivering;
mod dry_run;
mod embedded;
mod events;
mod exit_codes;
mod flow_style;
mod foreign_faults;
mod foreign_files;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod guide;
mod identifying;
mod importing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod inspecting;
mod issuing;
mod key_files;
mod linting;
mod listing;
#[cfg(feature = "postgres")]
mod passwords;
mod policies;
mod purging;
mod restricting;
mod revoking;
mod rotating;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod served;
#[cfg(feature = "postgres")]
#[path = "../../../../tests/servers/mod.rs"]
mod servers;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[expect(dead_code, reason = "the tests of the examples use the rest")]
#[path = "../../../../tests/examples/server.rs"]
mod service;
mod setting;
mod showing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod store_files;
mod times;
mod tool;
mod unwritable;
mod usage;
#[cfg(feature = "sqlite")]
mod usage_history;
#[cfg(feature = "sqlite")]
mod usage_watch;
mod waiting;

#[cfg(all(feature = "sqlite", feature = "postgres"))]
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
