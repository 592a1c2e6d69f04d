//! No type of the crate ever shows a key, its digest, or the bytes of either.

mod canary;
mod errors;
mod managing;
mod panics;
#[path = "../public_types/mod.rs"]
mod public_types;
mod requests;
mod throttling;
mod types;
mod yaml;
