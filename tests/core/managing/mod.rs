//! Managing the clients and keys of a `MemoryStore`.

pub(crate) mod model;
mod properties;
mod sharing;
