//! Intervals and deadlines that several files of the replica share.

use std::time::Duration;

/// The interval between polls without a wake-up: a lost wake-up delays a change by half a second.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The deadline of a poll: a stopped server keeps its connections open and never responds. A server on a
/// machine without CPU time responds late (2.3 s were seen), and a new connection would cost it more.
pub(super) const POLL_DEADLINE: Duration = Duration::from_secs(4);
