//! A key file and its surroundings after a store has changed it.

mod event_pages;
mod files;
mod generated;
mod golden;
mod processes;
mod recording;

pub(crate) mod fixture;
