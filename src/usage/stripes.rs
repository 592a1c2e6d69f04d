use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::observe::Kind;

/// The counters of one place.
#[derive(Default)]
#[repr(C)]
pub(super) struct Stripe {
    /// When it last counted anything, in nanoseconds since 1970.
    seen: AtomicU64,
    counts: [AtomicU64; Kind::COUNT],
}

impl Stripe {
    pub(super) fn seen_at(now: u64) -> Self {
        Self { seen: AtomicU64::new(now), ..Self::default() }
    }

    #[inline]
    pub(super) fn add(&self, kind: Kind, now: u64) {
        self.counts[kind.place()].fetch_add(1, Ordering::Relaxed);
        self.seen.store(now, Ordering::Relaxed);
    }

    /// As [`Stripe::add`], and says whether no other thread counted at the same instant.
    #[inline]
    pub(super) fn add_alone(&self, kind: Kind, now: u64) -> bool {
        let (count, relaxed) = (&self.counts[kind.place()], Ordering::Relaxed);
        let last = count.load(relaxed);
        let alone = count.compare_exchange(last, last + 1, relaxed, relaxed).is_ok();
        if !alone {
            count.fetch_add(1, relaxed);
        }
        self.seen.store(now, relaxed);
        alone
    }

    pub(super) fn count(&self, kind: Kind) -> u64 {
        self.counts[kind.place()].load(Ordering::Relaxed)
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }
}

/// Counters of their own for some of the threads, so that two that count the same need not wait for
/// each other's cache line. Processors fetch lines in pairs, hence twice 64 bytes.
pub(super) struct Stripes(Box<[Apart]>);

#[derive(Default)]
#[repr(align(128))]
struct Apart(Stripe);

/// More threads than this take turns.
const MAX: usize = 32;

impl Stripes {
    /// Twice as many as there are processors: the threads that come to count take them in turn, and
    /// not all of them go on.
    pub(super) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let count = (processors * 2).next_power_of_two().min(MAX);
        Self((0..count).map(|_| Apart::default()).collect())
    }

    #[inline]
    pub(super) fn here(&self) -> &Stripe {
        &self.0[number_of_thread() & (self.0.len() - 1)].0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stripe> {
        self.0.iter().map(|apart| &apart.0)
    }
}

#[inline]
fn number_of_thread() -> usize {
    const NONE: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(NONE) };
    }
    // Without a destructor, it is there as long as the thread.
    NUMBER.with(|number| {
        if number.get() == NONE {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}
