//! The allocator of the test program: the system's, with counters for each thread.
#![allow(dead_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static MADE: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(made: usize, bytes: isize) {
    // A thread that is ending has no counters left.
    let _ = MADE.try_with(|count| count.set(count.get() + made));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
    let _ = HELD.try_with(|held| PEAK.try_with(|peak| peak.set(peak.get().max(held.get()))));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        count(0, -layout.size().cast_signed());
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a call allocated on its thread.
pub(crate) struct Allocated {
    /// The number of allocations.
    pub(crate) made: usize,
    /// The bytes that were still allocated at the end.
    pub(crate) held: isize,
    /// The most bytes that were allocated at once.
    pub(crate) peak: isize,
}

/// Measures what `run` allocates on this thread.
pub(crate) fn allocated<T>(run: impl FnOnce() -> T) -> (Allocated, T) {
    let (made, held) = (MADE.get(), HELD.get());
    PEAK.set(held);
    let value = run();
    let peak = PEAK.get() - held;
    (Allocated { made: MADE.get() - made, held: HELD.get() - held, peak }, value)
}

/// The bytes that this thread has allocated and not freed.
pub(crate) fn held() -> isize {
    HELD.get()
}
