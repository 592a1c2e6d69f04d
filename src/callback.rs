//! Calls to closures and observers of the service.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a closure of the service and catches its panic, which must not harm a request, other observers, or a
/// thread of keygate.
pub(crate) fn guarded(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        report_panic();
    }
}

/// The panic hook has printed the message, but perhaps nobody reads that output.
#[cold]
fn report_panic() {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "keygate::observer", "an observer panicked");
}
