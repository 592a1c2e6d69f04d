//! PostgreSQL: the store, replicas, recovery from faults, and the servers that these tests start.
#![cfg(target_os = "linux")]

#[path = "../core/redaction/canary.rs"]
mod canary;
#[path = "../common/changes.rs"]
mod changes;
#[path = "../common/client_lists.rs"]
mod client_lists;
#[path = "../common/counted.rs"]
mod counted;
#[path = "../common/facts.rs"]
mod facts;
mod filling;
#[path = "../common/folder.rs"]
mod folder;
#[path = "../servers/mod.rs"]
mod servers;
#[path = "../common/this_program.rs"]
mod this_program;
#[path = "../common/watching.rs"]
mod watching;

mod fixtures;
mod recovering;
mod redaction;
mod replica;
mod store;
mod usage;
mod usage_fleet;
