//! What a `MemoryStore` promises to those who manage its clients and keys.

pub(crate) mod model;
mod properties;
mod sharing;
