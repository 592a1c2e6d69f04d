//! Replicas of real databases: what they follow, and what they do when there is nobody to follow.
#![cfg(target_os = "linux")]

mod fleet;
mod following;
mod loading;
mod ordering;
mod outages;
#[path = "../servers/mod.rs"]
mod servers;
mod spoilt;
mod stage;
mod returning;
