//! Replicas of real databases: what they follow, and what they do when there is nobody to follow.
#![cfg(target_os = "linux")]

mod contract;
mod far;
#[path = "../filling/mod.rs"]
mod filling;
mod fleet;
mod following;
mod gauges;
mod hardened;
mod loading;
mod ordering;
mod outages;
mod pooling;
mod restoring;
mod returning;
#[path = "../servers/mod.rs"]
mod servers;
mod snapshots;
mod spoilt;
mod stage;
mod timeouts;
mod wake_ups;
