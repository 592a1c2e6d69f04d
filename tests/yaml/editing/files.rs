//! The file, its folder, and their owners.

mod changed;
mod folders;
mod full_disk;
mod links;
mod modes;
mod mounts;
mod prepared;
mod temporaries;
mod users;
