//! Helpers that the test programs share. Each program uses some of them.
#![allow(dead_code)]

pub(crate) mod captured;
pub(crate) mod challenge;
pub(crate) mod keys;
pub(crate) mod polling;
pub(crate) mod reply;
pub(crate) mod services;
pub(crate) mod sources;
pub(crate) mod stores;
