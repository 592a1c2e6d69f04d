use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::stripes::{Stripe, Stripes};
use super::windows::Windows;
use crate::digest::KeyId;
use crate::observe::Kind;

/// What is counted of one key of one client. Times are nanoseconds since 1970.
///
/// One stripe is enough for most. That it is not shows when two threads meet at it: then there is one
/// for each, from there on.
// What each request needs comes first, and so in few cache lines.
#[repr(C)]
pub(super) struct Counts {
    more: OnceLock<Stripes>,
    first: Stripe,
    windows: Windows,
    growing: AtomicBool,
    pub(super) key_id: KeyId,
    pub(super) first_seen: u64,
}

// With the name, its place in a table and what the allocator adds, the promise of 1 KiB is kept.
const _: () = assert!(size_of::<Counts>() <= 640);

impl Counts {
    pub(super) fn new(key_id: KeyId, now: u64) -> Self {
        Self {
            key_id,
            first_seen: now,
            windows: Windows::new(now),
            // Who looks before it has counted is not to take it for one that was silent since 1970.
            first: Stripe::seen_at(now),
            more: OnceLock::new(),
            growing: AtomicBool::new(false),
        }
    }

    #[inline]
    pub(super) fn add(&self, kind: Kind, now: u64) {
        if self.windows.have_gone_on(now) {
            self.windows.roll(now, || self.count(Kind::ADMITTED));
        }
        match self.more.get() {
            Some(stripes) => stripes.here().add(kind, now),
            None if self.first.add_alone(kind, now) => {}
            None => self.grow(),
        }
    }

    #[cold]
    fn grow(&self) {
        // Were two threads to do so, one would wait for the other.
        if !self.growing.swap(true, Ordering::Relaxed) {
            let _ = self.more.set(Stripes::new());
        }
    }

    pub(super) fn count(&self, kind: Kind) -> u64 {
        self.stripes().map(|stripe| stripe.count(kind)).sum()
    }

    pub(super) fn last_seen(&self) -> u64 {
        self.stripes().map(Stripe::seen).max().unwrap_or(self.first_seen)
    }

    /// How many requests were let in over the last 1, 5 and 60 minutes.
    pub(super) fn lately(&self, now: u64) -> [f64; 3] {
        self.windows.last(now, self.count(Kind::ADMITTED))
    }

    fn stripes(&self) -> impl Iterator<Item = &Stripe> {
        std::iter::once(&self.first).chain(self.more.get().into_iter().flat_map(Stripes::iter))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::digest::KeyDigest;

    /// One that is looked at before it has counted would be forgotten at once.
    #[test]
    fn key_is_seen_from_the_instant_at_which_there_is_one() {
        let counts = Counts::new(KeyDigest::of(b"x").key_id(), 7);
        assert_eq!(counts.last_seen(), 7);
        counts.grow();
        assert_eq!(counts.last_seen(), 7);
    }

    #[test]
    fn what_was_counted_before_it_grew_and_after_is_all_there() {
        let counts = Counts::new(KeyDigest::of(b"x").key_id(), 0);
        counts.add(Kind::ADMITTED, 1);
        counts.grow();
        thread::scope(|scope| {
            for thread in 0..4 {
                let counts = &counts;
                scope.spawn(move || (0..1_000).for_each(|_| counts.add(Kind::ADMITTED, thread)));
            }
        });
        assert_eq!(counts.count(Kind::ADMITTED), 4_001);
        assert_eq!(counts.last_seen(), 3);
    }
}
