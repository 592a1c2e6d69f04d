//! `SqliteStore` on real files, with other processes and the `sqlite3` program.

#[path = "../common/changes.rs"]
mod changes;
#[path = "../common/client_lists.rs"]
mod client_lists;
mod contract;
mod copying;
#[path = "../common/counted.rs"]
mod counted;
#[path = "../common/delays.rs"]
mod delays;
mod event_pages;
mod events;
mod files;
mod fixture;
#[path = "../common/folder.rs"]
mod folder;
mod invalid_rows;
#[path = "../common/job.rs"]
mod job;
#[path = "../common/killed.rs"]
mod killed;
mod killing;
#[path = "../common/lettered.rs"]
mod lettered;
mod locking;
mod migrating;
mod pages;
mod processes;
mod purging;
mod read_back;
mod replacing;
mod sharing;
mod tables;
#[path = "../common/this_program.rs"]
mod this_program;
mod usage;
mod usage_lists;
#[path = "../common/watching.rs"]
mod watching;
mod worker;
