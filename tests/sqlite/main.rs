//! Keys in SQLite databases: real files, other processes, and the `sqlite3` program beside them.

#[path = "../common/changes.rs"]
mod changes;
mod contract;
mod copying;
#[path = "../common/delays.rs"]
mod delays;
mod events;
mod files;
mod fixture;
#[path = "../common/folder.rs"]
mod folder;
#[path = "../common/job.rs"]
mod job;
#[path = "../common/killed.rs"]
mod killed;
mod killing;
mod locking;
mod migrating;
mod processes;
mod replacing;
mod sharing;
mod spoiling;
mod swallowed;
mod tables;
#[path = "../common/this_program.rs"]
mod this_program;
mod worker;
