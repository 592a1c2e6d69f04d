//! What becomes of a key file, and of all that is around it, when a store changes it.

mod files;
mod generated;
mod golden;
mod processes;
mod recording;

mod fixture;
