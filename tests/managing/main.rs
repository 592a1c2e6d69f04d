//! What a `MemoryStore` promises to those who manage its clients and keys.

mod model;
mod properties;
mod sharing;
