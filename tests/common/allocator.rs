//! The counting allocator of test programs and benches: the system's, with counters for the process and each thread.
#![allow(dead_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};

struct Counting;

/// A bench starts later, so that counting does not slow down its measurements.
static IS_COUNTING: AtomicBool = AtomicBool::new(cfg!(test));
static IN_USE: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static MADE: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    /// The bytes to look for in blocks that are freed. Empty for none.
    static WANTED: Cell<&'static [u8]> = const { Cell::new(&[]) };
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

#[inline]
fn count(made: usize, bytes: isize) {
    if IS_COUNTING.load(Relaxed) {
        add(made, bytes);
    }
}

fn add(made: usize, bytes: isize) {
    IN_USE.fetch_add(bytes, Relaxed);
    // A thread that is exiting has no counters any more.
    let _ = MADE.try_with(|count| count.set(count.get() + made));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
    let _ = HELD.try_with(|held| PEAK.try_with(|peak| peak.set(peak.get().max(held.get()))));
}

fn is_looking() -> bool {
    WANTED.try_with(|wanted| !wanted.get().is_empty()).unwrap_or(false)
}

/// Searches a block before it is freed.
///
/// # Safety
///
/// `block` has `size` bytes, and was allocated zeroed.
unsafe fn look_into(block: *const u8, size: usize) {
    // SAFETY: the caller upholds it.
    let bytes = unsafe { std::slice::from_raw_parts(block, size) };
    let _ = WANTED.try_with(|wanted| {
        if bytes.windows(wanted.get().len()).any(|part| part == wanted.get()) {
            let _ = FOUND.try_with(|found| found.set(found.get() + 1));
        }
    });
}

// SAFETY: every call is forwarded to the system's allocator; blocks may be zeroed in addition.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size().cast_signed());
        if is_looking() {
            // SAFETY: as above.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        count(0, -layout.size().cast_signed());
        if is_looking() {
            // SAFETY: blocks are zeroed while a thread searches them.
            unsafe { look_into(old, layout.size()) };
        }
        // SAFETY: as above.
        unsafe { System.dealloc(old, layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size.cast_signed() - layout.size().cast_signed());
        if is_looking() {
            // SAFETY: as for `dealloc`. The block may stay in place, and the bytes after its old end are zeroed.
            unsafe {
                look_into(old, layout.size());
                let new = System.realloc(old, layout, size);
                if !new.is_null() && size > layout.size() {
                    new.add(layout.size()).write_bytes(0, size - layout.size());
                }
                return new;
            }
        }
        // SAFETY: as above.
        unsafe { System.realloc(old, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Starts counting, in a bench.
pub(crate) fn start() {
    IS_COUNTING.store(true, Relaxed);
}

/// The bytes that all threads have allocated and not freed since the start.
pub(crate) fn in_use() -> f64 {
    // Exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    let bytes = IN_USE.load(Relaxed) as f64;
    bytes
}

/// The allocations of one call on its thread.
pub(crate) struct Allocated {
    /// The number of allocations.
    pub(crate) made: usize,
    /// The bytes that were still allocated at the end.
    pub(crate) held: isize,
    /// The maximum number of bytes that were allocated at once.
    pub(crate) peak: isize,
}

/// Measures the allocations of `run` on this thread.
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

/// Counts the blocks with these bytes that this thread frees or grows in `run`, which must allocate them itself.
pub(crate) fn freed_with(wanted: &'static [u8], run: impl FnOnce()) -> usize {
    FOUND.set(0);
    WANTED.set(wanted);
    run();
    WANTED.set(&[]);
    FOUND.get()
}
