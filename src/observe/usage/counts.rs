use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::stripes::{Stripe, Stripes};
use super::windows::Windows;
use crate::key::KeyId;
use crate::observe::OutcomeKind;

/// The counts of one key of one client. Times are nanoseconds since 1970.
///
/// Most keys need one stripe. When two threads meet at it, each gets its own from then on.
// The fields that each request needs come first, to share cache lines.
#[repr(C)]
pub(super) struct Counts {
    more: OnceLock<Stripes>,
    first: Stripe,
    windows: Windows,
    growing: AtomicBool,
    pub(super) key_id: KeyId,
    pub(super) first_seen: u64,
}

// With the name, the slot in the map and the overhead of the allocator, a key takes less than 1 KiB.
const _: () = assert!(size_of::<Counts>() <= 640);

impl Counts {
    pub(super) fn new(key_id: KeyId, now: u64) -> Self {
        Self {
            key_id,
            first_seen: now,
            windows: Windows::new(now),
            // A sweep before the first count must not take it for idle since 1970.
            first: Stripe::seen_at(now),
            more: OnceLock::new(),
            growing: AtomicBool::new(false),
        }
    }

    #[inline]
    pub(super) fn add(&self, kind: OutcomeKind, now: u64) {
        if self.windows.is_outdated(now) {
            self.windows.roll(now, || self.count(OutcomeKind::Admitted));
        }
        match self.more.get() {
            Some(stripes) => stripes.of_thread().add(kind, now),
            None if self.first.add_uncontended(kind, now) => {}
            None => self.grow(),
        }
    }

    #[cold]
    fn grow(&self) {
        // `OnceLock::set` would make a second thread wait.
        if !self.growing.swap(true, Ordering::Relaxed) {
            let _ = self.more.set(Stripes::new());
        }
    }

    pub(super) fn count(&self, kind: OutcomeKind) -> u64 {
        self.stripes().map(|stripe| stripe.count(kind)).sum()
    }

    pub(super) fn last_seen(&self) -> u64 {
        self.stripes().map(Stripe::seen).max().unwrap_or(self.first_seen)
    }

    /// The requests admitted in the last 1, 5 and 60 minutes.
    pub(super) fn recent(&self, now: u64) -> [f64; 3] {
        self.windows.last(now, self.count(OutcomeKind::Admitted))
    }

    fn stripes(&self) -> impl Iterator<Item = &Stripe> {
        std::iter::once(&self.first).chain(self.more.get().into_iter().flat_map(Stripes::iter))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::key::KeyDigest;

    #[test]
    fn new_key_counts_as_seen_before_its_first_count() {
        let counts = Counts::new(KeyDigest::of(b"x").key_id(), 7);
        assert_eq!(counts.last_seen(), 7);
        counts.grow();
        assert_eq!(counts.last_seen(), 7);
    }

    #[test]
    fn growing_keeps_all_counts() {
        let counts = Counts::new(KeyDigest::of(b"x").key_id(), 0);
        counts.add(OutcomeKind::Admitted, 1);
        counts.grow();
        thread::scope(|scope| {
            for thread in 0..4 {
                let counts = &counts;
                scope.spawn(move || {
                    (0..1_000).for_each(|_| counts.add(OutcomeKind::Admitted, thread));
                });
            }
        });
        assert_eq!(counts.count(OutcomeKind::Admitted), 4_001);
        assert_eq!(counts.last_seen(), 3);
    }
}
