use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const MINUTE: u64 = 60_000_000_000;

/// Lengths of the windows, in nanoseconds.
const LENGTHS: [u64; 3] = [MINUTE, 5 * MINUTE, 60 * MINUTE];

/// The number of parts of each window.
const PARTS: u64 = 12;

/// The number of parts to keep: those of a window, the part in which it starts, and some spare parts for readers while
/// time passes.
const SLOTS: usize = 16;

/// The total number of requests at the start of each part of a window; differences are the requests in a part. Counting
/// writes here only once per part of the shortest window, and not with each request.
#[repr(C)]
pub(super) struct Windows {
    rings: [Ring; LENGTHS.len()],
    rolling: AtomicBool,
}

#[repr(C)]
struct Ring {
    /// The latest part, as its number since 1970.
    current: AtomicU64,
    totals: [AtomicU64; SLOTS],
}

/// The part of the shortest window at this time, as its number since 1970.
#[inline]
pub(super) fn part(now: u64) -> u64 {
    now / (LENGTHS[0] / PARTS)
}

impl Windows {
    pub(super) fn new(now: u64) -> Self {
        let ring = |length: u64| Ring {
            current: AtomicU64::new(now / (length / PARTS)),
            totals: [const { AtomicU64::new(0) }; SLOTS],
        };
        Self { rings: LENGTHS.map(ring), rolling: AtomicBool::new(false) }
    }

    /// Records the start of new parts, and returns the latest part of the shortest window. While one thread does this,
    /// others skip it.
    pub(super) fn roll(&self, now: u64, total: impl Fn() -> u64) -> Option<u64> {
        if self.rolling.swap(true, Ordering::Acquire) {
            return None;
        }
        let total = total();
        for (ring, length) in self.rings.iter().zip(LENGTHS) {
            ring.roll(now / (length / PARTS), total);
        }
        let part = self.rings[0].current.load(Ordering::Relaxed);
        self.rolling.store(false, Ordering::Release);
        Some(part)
    }

    /// Adds requests from before all windows.
    #[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
    pub(super) fn add_past(&self, requests: u64) {
        for total in self.rings.iter().flat_map(|ring| &ring.totals) {
            total.fetch_add(requests, Ordering::Relaxed);
        }
    }

    /// The requests in the last 1, 5 and 60 minutes.
    pub(super) fn last(&self, now: u64, total: u64) -> [f64; LENGTHS.len()] {
        let mut last = [0.0; LENGTHS.len()];
        for ((last, ring), length) in last.iter_mut().zip(&self.rings).zip(LENGTHS) {
            *last = ring.last(now, length, total);
        }
        last
    }
}

impl Ring {
    fn roll(&self, part: u64, total: u64) {
        let current = self.current.load(Ordering::Relaxed);
        // Another thread may have read the clock later and been here first.
        if part == current || part + 1 == current {
            return;
        }
        let slots = SLOTS as u64;
        // If the clock was set back, all parts start anew.
        let begun = if part > current { (part - current).min(slots) } else { slots };
        for number in 0..begun {
            self.slot(part.wrapping_sub(number)).store(total, Ordering::Relaxed);
        }
        self.current.store(part, Ordering::Release);
    }

    fn last(&self, now: u64, length: u64, total: u64) -> f64 {
        let part = length / PARTS;
        let start = now.saturating_sub(length);
        let after = |part| float(total - self.until(part, total));
        let [more, less] = [0, 1].map(|next| after(start / part + next));
        // Assumes that the requests of the part in which the window starts were spread evenly over it.
        let share = float(start % part) / float(part);
        more - (more - less) * share
    }

    /// The total at the start of a part.
    fn until(&self, part: u64, total: u64) -> u64 {
        let current = self.current.load(Ordering::Acquire);
        if part > current {
            // Nothing has been counted since.
            return total;
        }
        let oldest = current.saturating_sub(SLOTS as u64 - 1);
        self.slot(part.max(oldest)).load(Ordering::Relaxed).min(total)
    }

    fn slot(&self, part: u64) -> &AtomicU64 {
        // Below 16.
        #[allow(clippy::cast_possible_truncation)]
        let index = (part % SLOTS as u64) as usize;
        &self.totals[index]
    }
}

/// Exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}
