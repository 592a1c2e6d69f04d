//! Key files: loading, editing and watching.

#[path = "../common/allocator.rs"]
mod allocator;
#[path = "../common/captured.rs"]
mod captured;
#[path = "../common/delays.rs"]
mod delays;
#[path = "../common/folder.rs"]
mod folder;
#[path = "../common/job.rs"]
mod job;
#[path = "../common/killed.rs"]
mod killed;
#[path = "../common/lettered.rs"]
mod lettered;
#[path = "../common/this_program.rs"]
mod this_program;

mod bounds;
mod editing;
mod embedded;
mod folders;
mod loading;
mod watching;
