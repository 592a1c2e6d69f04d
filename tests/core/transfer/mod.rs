//! Moving everything from one store to another.

mod folder;
mod properties;
mod stores;
