//! What the process allocates, counted on the thread that does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static MADE: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(made: usize, bytes: isize) {
    // A thread that is coming to its end has no counters any more, and none of the tests on it.
    let _ = MADE.try_with(|count| count.set(count.get() + made));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call goes on to the system's allocator as it is.
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

/// How many allocations this makes, and how many bytes more are held after it.
pub(crate) fn allocated<T>(run: impl FnOnce() -> T) -> (usize, isize, T) {
    let (made, held) = (MADE.get(), HELD.get());
    let value = run();
    (MADE.get() - made, HELD.get() - held, value)
}
