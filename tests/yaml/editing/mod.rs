//! What becomes of a key file, and of all that is around it, when a store changes it.

mod event_pages;
mod files;
mod generated;
mod golden;
mod processes;
mod recording;

pub(crate) mod fixture;
