//! Managing the clients and keys of a `MemoryStore`.

mod beginning;
pub(crate) mod model;
mod properties;
mod sharing;
