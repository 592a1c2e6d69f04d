//! The file, the folder around it, and whom they belong to.

mod changed;
mod folders;
mod full_disk;
mod links;
mod modes;
mod mounts;
mod prepared;
mod temporaries;
mod users;
