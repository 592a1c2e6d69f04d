//! Replaces `events` without the feature `tracing`.

use std::time::Duration;

pub(super) fn loaded(_keys: usize, _clients: usize, _refused: usize) {}

pub(super) fn recovered() {}

pub(super) fn no_wake_ups(_why: &str) {}

pub(super) fn reset() {}

pub(super) fn failing(_last_contact: Option<Duration>, _error: &str) {}

pub(super) fn snapshot_read(_keys: usize, _age: Duration) {}

pub(super) fn snapshot_failed(_error: &str) {}
