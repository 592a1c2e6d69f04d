#![cfg(feature = "throttle")]
//! Wrong keys from one address are slowed down, and right ones are not.

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod counting;
mod doors;
mod flood;
mod local;
mod proxies;
mod stage;
mod waiting;
