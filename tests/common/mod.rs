//! Shared by the test programs; each uses a part of it.
#![allow(dead_code)]

pub(crate) mod captured;
pub(crate) mod challenge;
pub(crate) mod keys;
pub(crate) mod polling;
pub(crate) mod reply;
pub(crate) mod services;
pub(crate) mod sources;
pub(crate) mod stores;
