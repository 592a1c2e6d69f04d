use std::fs;

/// A figure of this process in `/proc/self/status`, in bytes: `VmRSS` is its resident memory, and `VmHWM` the peak of
/// that. Not a number if there is no such file.
pub(crate) fn of_this_process(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes * 1024.0)
}
