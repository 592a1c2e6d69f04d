//! Moving everything from one store to another.

mod place;
mod properties;
mod stores;
