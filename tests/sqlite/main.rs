//! Keys in SQLite databases: real files, other processes, and the `sqlite3` program beside them.

mod contract;
mod events;
mod files;
mod killing;
mod migrating;
mod processes;
mod replacing;
mod spoiling;
mod stage;
mod worker;
