use std::sync::atomic::{AtomicU64, Ordering};

use super::windows::Windows;
use crate::observe::OutcomeKind;

/// The counts of one key of one client. Times are nanoseconds since 1970.
pub(super) struct Counts {
    kinds: KindCounts,
    last_seen: AtomicU64,
    windows: Windows,
    pub(super) first_seen: u64,
}

// With the name, the slot in the map and the overhead of the allocator, a key takes less than 1 KiB.
const _: () = assert!(size_of::<Counts>() <= 640);

impl Counts {
    pub(super) fn new(now: u64) -> Self {
        Self {
            kinds: KindCounts::default(),
            // A sweep before the first count must not take the key for idle since 1970.
            last_seen: AtomicU64::new(now),
            windows: Windows::new(now),
            first_seen: now,
        }
    }

    #[inline]
    pub(super) fn add(&self, kind: OutcomeKind, now: u64) {
        if self.windows.is_outdated(now) {
            self.windows.roll(now, || self.count(OutcomeKind::Admitted));
        }
        self.kinds.add(kind, 1);
        self.last_seen.store(now, Ordering::Relaxed);
    }

    pub(super) fn count(&self, kind: OutcomeKind) -> u64 {
        self.kinds.count(kind)
    }

    pub(super) fn last_seen(&self) -> u64 {
        self.last_seen.load(Ordering::Relaxed)
    }

    /// The requests admitted in the last 1, 5 and 60 minutes.
    pub(super) fn recent(&self, now: u64) -> [f64; 3] {
        self.windows.last(now, self.count(OutcomeKind::Admitted))
    }
}

/// One counter for each kind of outcome.
#[derive(Default)]
pub(super) struct KindCounts([AtomicU64; OutcomeKind::COUNT]);

impl KindCounts {
    #[inline]
    pub(super) fn add(&self, kind: OutcomeKind, count: u64) {
        self.0[kind as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn count(&self, kind: OutcomeKind) -> u64 {
        self.0[kind as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_key_counts_as_seen_before_its_first_count() {
        let counts = Counts::new(7);
        assert_eq!(counts.last_seen(), 7);
    }
}
