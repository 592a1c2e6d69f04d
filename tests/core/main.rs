//! From a request to its client or refusal, and the stores in memory.

#[path = "../common/allocator.rs"]
mod allocator;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/facts.rs"]
mod facts;
mod public_types;

mod allocations;
mod bodies;
mod concurrency;
mod entrances;
mod extract;
mod layer;
mod loading;
mod managing;
mod memory_store;
mod openapi;
mod redaction;
mod route_scopes;
mod scopes;
mod serde;
mod sources;
mod store_contract;
mod transfer;
