use std::time::{Duration, SystemTime};

/// How well a store follows its file or database.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) age: Option<Duration>,
    pub(super) failing: Duration,
}

impl Following {
    pub(super) fn new(
        age: Option<Duration>,
        failing_since: Option<SystemTime>,
        now: SystemTime,
    ) -> Self {
        Self { age, failing: failing_since.map(|since| ago(since, now)).unwrap_or_default() }
    }
}

/// The time since then, or zero if the clock was set back.
pub(super) fn ago(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}
