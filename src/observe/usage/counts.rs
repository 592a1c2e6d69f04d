use std::sync::atomic::{AtomicU64, Ordering};

use super::windows::{self, Windows};
use crate::observe::OutcomeKind;

/// The counts of one key of one client. Times are nanoseconds since 1970.
///
/// In this order, the fields that each request uses (the time, the part and the first kind) are close together.
#[repr(C)]
pub(super) struct Counts {
    last_seen: AtomicU64,
    /// The latest part of the shortest window. Parts of the longer windows start together with one of these.
    part: AtomicU64,
    kinds: KindCounts,
    windows: Windows,
    first_seen: AtomicU64,
    /// The counts that a [`UsageWriter`](crate::observe::UsageWriter) has already taken.
    #[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
    taken: KindCounts,
}

// With the name, the slot in the map and the overhead of the allocator, a key takes less than 1 KiB.
const _: () = assert!(size_of::<Counts>() <= 768);

impl Counts {
    pub(super) fn new(now: u64) -> Self {
        Self {
            // A sweep before the first count must not treat the key as idle since 1970.
            last_seen: AtomicU64::new(now),
            part: AtomicU64::new(windows::part(now)),
            kinds: KindCounts::default(),
            windows: Windows::new(now),
            first_seen: AtomicU64::new(now),
            taken: KindCounts::default(),
        }
    }

    #[inline]
    pub(super) fn add(&self, kind: OutcomeKind, now: u64) {
        if windows::part(now) != self.part.load(Ordering::Relaxed) {
            self.begin_part(now);
        }
        self.kinds.add(kind, 1);
        self.last_seen.store(now, Ordering::Relaxed);
    }

    #[cold]
    fn begin_part(&self, now: u64) {
        if let Some(part) = self.windows.roll(now, || self.count(OutcomeKind::Admitted)) {
            self.part.store(part, Ordering::Relaxed);
        }
    }

    /// Counts an admitted request again, as one with a replaced key.
    pub(super) fn add_replaced(&self) {
        self.kinds.add(OutcomeKind::Replaced, 1);
    }

    pub(super) fn count(&self, kind: OutcomeKind) -> u64 {
        self.kinds.count(kind)
    }

    pub(super) fn first_seen(&self) -> u64 {
        self.first_seen.load(Ordering::Relaxed)
    }

    pub(super) fn last_seen(&self) -> u64 {
        self.last_seen.load(Ordering::Relaxed)
    }

    /// Adds counts from before the start of this process, which are not part of any rate.
    #[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
    pub(super) fn add_past(&self, kind: OutcomeKind, count: u64, first_seen: u64) {
        // Marked as taken first, so that a writer never treats them as new.
        self.taken.add(kind, count);
        self.kinds.add(kind, count);
        if kind == OutcomeKind::Admitted {
            self.windows.add_past(count);
        }
        self.first_seen.fetch_min(first_seen, Ordering::Relaxed);
    }

    /// Takes the counts since the last call. One thread at a time may call this.
    #[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
    pub(super) fn take(&self, mut each: impl FnMut(OutcomeKind, u64)) {
        for kind in OutcomeKind::ALL.iter().copied() {
            let new = self.count(kind).saturating_sub(self.taken.count(kind));
            if new > 0 {
                self.taken.add(kind, new);
                each(kind, new);
            }
        }
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
