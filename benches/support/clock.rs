use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time of this thread, in nanoseconds. If the thread has a processor to itself, this equals wall-clock
/// time; if it shares one, the time of other threads does not count.
pub(crate) fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    nanoseconds(Duration::try_from(time).expect("processor time is not negative"))
}

pub(crate) fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
