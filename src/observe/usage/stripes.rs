use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::observe::OutcomeKind;

/// One set of counters.
#[derive(Default)]
#[repr(C)]
pub(super) struct Stripe {
    /// Time of the last count, in nanoseconds since 1970.
    seen: AtomicU64,
    counts: [AtomicU64; OutcomeKind::COUNT],
}

impl Stripe {
    pub(super) fn seen_at(now: u64) -> Self {
        Self { seen: AtomicU64::new(now), ..Self::default() }
    }

    #[inline]
    pub(super) fn add(&self, kind: OutcomeKind, now: u64) {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        self.seen.store(now, Ordering::Relaxed);
    }

    /// As [`Stripe::add`]. Returns whether no other thread counted at the same instant.
    #[inline]
    pub(super) fn add_uncontended(&self, kind: OutcomeKind, now: u64) -> bool {
        let (count, relaxed) = (&self.counts[kind as usize], Ordering::Relaxed);
        let last = count.load(relaxed);
        let is_uncontended = count.compare_exchange(last, last + 1, relaxed, relaxed).is_ok();
        if !is_uncontended {
            count.fetch_add(1, relaxed);
        }
        self.seen.store(now, relaxed);
        is_uncontended
    }

    pub(super) fn count(&self, kind: OutcomeKind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }
}

/// Several stripes, so that threads which count the same key do not wait for each other's cache line. Processors fetch
/// lines in pairs, hence the alignment of twice 64 bytes.
pub(super) struct Stripes(Box<[Apart]>);

#[derive(Default)]
#[repr(align(128))]
struct Apart(Stripe);

/// The most stripes; more threads than this share them.
const MAX: usize = 32;

impl Stripes {
    /// Twice as many stripes as processors: they are assigned in rotation, also to threads that end.
    pub(super) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let count = (processors * 2).next_power_of_two().min(MAX);
        Self((0..count).map(|_| Apart::default()).collect())
    }

    #[inline]
    pub(super) fn of_thread(&self) -> &Stripe {
        &self.0[thread_number() & (self.0.len() - 1)].0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stripe> {
        self.0.iter().map(|apart| &apart.0)
    }
}

#[inline]
fn thread_number() -> usize {
    const NONE: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(NONE) };
    }
    // It has no destructor, so it is accessible as long as the thread lives.
    NUMBER.with(|number| {
        if number.get() == NONE {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}
