use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// The system's allocator, which counts the bytes in use after [`start`].
pub(crate) struct Counting;

// Off while time is measured: threads that allocate would meet at the counter.
static COUNTS: AtomicBool = AtomicBool::new(false);
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// Starts to count.
pub(crate) fn start() {
    COUNTS.store(true, Relaxed);
}

/// The bytes allocated and not freed since the start.
pub(crate) fn in_use() -> f64 {
    // Exact as far as 2^53.
    #[allow(clippy::cast_precision_loss)]
    let bytes = IN_USE.load(Relaxed) as f64;
    bytes
}

fn add(bytes: usize) {
    if COUNTS.load(Relaxed) {
        IN_USE.fetch_add(bytes, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        add(layout.size().wrapping_neg());
        // SAFETY: as above.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size.wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(start, layout, size) }
    }
}
