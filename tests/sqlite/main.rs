//! Keys in SQLite databases: real files, other processes, and the `sqlite3` program beside them.

mod contract;
mod copying;
mod events;
mod files;
#[path = "../killed/mod.rs"]
mod killed;
mod killing;
mod locking;
mod migrating;
mod processes;
mod replacing;
mod sharing;
mod spoiling;
mod stage;
mod swallowed;
mod tables;
mod worker;
