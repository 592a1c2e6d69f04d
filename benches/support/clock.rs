use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time that this thread has spent on a processor, in nanoseconds. Where a thread has one to
/// itself, that is the time that passes; where it must share, what others do does not count.
pub(crate) fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    nanoseconds(Duration::try_from(time).expect("no thread has run for less than nothing"))
}

pub(crate) fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
