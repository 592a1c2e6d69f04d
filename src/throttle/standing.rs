use std::time::Duration;

use super::counters::Tally;
use super::gcra::Limit;

/// How a client stands with the tightest of its rates.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) rate: usize,
    pub(super) limit: Limit,
    pub(super) full_at: u64,
    pub(super) now: u64,
    /// How long until a request is allowed; zero where this one is.
    pub(super) wait: u64,
}

impl Standing {
    #[inline]
    pub(super) fn is_allowed(&self) -> bool {
        self.wait == 0
    }

    #[inline]
    pub(super) fn tally(&self) -> Tally {
        if !self.is_allowed() {
            return Tally::refused(self.rate, Duration::from_nanos(self.wait));
        }
        let remaining = self.limit.remaining(self.full_at, self.now);
        let wait = Duration::from_nanos(self.limit.wait(self.full_at, self.now));
        Tally::allowed(self.rate, remaining, wait)
    }
}
