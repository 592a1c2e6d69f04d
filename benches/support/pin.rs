use std::io;

use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Pins this process and its later children to one processor.
///
/// For work that alternates between threads or processes: in a virtual machine, waking one up on another processor
/// costs 20 us each way, and it is chance which of them share a processor. For this reason alone, a lookup in SQLite
/// took 17 us in some runs and 57 us in others.
pub(crate) fn to_one_processor() -> io::Result<()> {
    let error = |error: Errno| io::Error::from_raw_os_error(error.raw_os_error());
    let all = sched_getaffinity(None).map_err(error)?;
    let first = (0..CpuSet::MAX_CPU).find(|processor| all.is_set(*processor));
    let mut one = CpuSet::new();
    one.set(first.unwrap_or(0));
    sched_setaffinity(None, &one).map_err(error)
}
