//! No type of the crate ever shows a key, its digest, or the bytes of either.

mod canary;
mod errors;
mod managing;
mod panics;
mod requests;
mod throttling;
mod types;
mod usage;
mod yaml;
