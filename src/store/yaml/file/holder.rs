//! Finds the process that holds a lock.

use std::fs::File;

/// Returns the process that holds the lock on this file, and the name of its program. Known on Linux only
/// (`proc_locks(5)`), for processes visible to this one.
#[cfg(target_os = "linux")]
pub(super) fn holder(file: &File) -> (Option<u32>, Option<String>) {
    let id = id(file);
    let name = id.and_then(|id| std::fs::read_to_string(format!("/proc/{id}/comm")).ok());
    (id, name.map(|name| name.trim().escape_debug().to_string()))
}

#[cfg(target_os = "linux")]
fn id(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    use rustix::fs::{major, minor};

    let file = file.metadata().ok()?;
    let device = file.dev();
    let inode = format!("{:02x}:{:02x}:{}", major(device), minor(device), file.ino());
    find(&std::fs::read_to_string("/proc/locks").ok()?, &inode)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holder(_: &File) -> (Option<u32>, Option<String>) {
    (None, None)
}

#[cfg(target_os = "linux")]
fn find(locks: &str, inode: &str) -> Option<u32> {
    let holders = locks.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            // A waiting process has an arrow before the kind.
            [_, "FLOCK", _, _, id, locked, ..] if locked == inode => id.parse().ok(),
            _ => None,
        }
    });
    // Linux shows a process of another namespace as zero.
    { holders }.find(|id| *id > 0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn process_that_holds_the_lock_is_found() {
        let locks = "1: POSIX  ADVISORY  WRITE 10 fe:00:77 0 EOF\n\
            2: -> FLOCK  ADVISORY  WRITE 11 fe:00:77 0 EOF\n\
            3: FLOCK  ADVISORY  WRITE 12 fe:00:77 0 EOF\n\
            4: FLOCK  ADVISORY  WRITE 13 fe:00:777 0 EOF\n\
            5: FLOCK  ADVISORY  WRITE 0 fe:00:78 0 EOF\n";
        assert_eq!(find(locks, "fe:00:77"), Some(12));
        assert_eq!(find(locks, "fe:00:78"), None);
        assert_eq!(find(locks, "fe:00:7"), None);
    }
}
