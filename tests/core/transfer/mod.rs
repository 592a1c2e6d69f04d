//! Moving everything from one store to another.

mod facts;
mod folder;
mod properties;
mod stores;
