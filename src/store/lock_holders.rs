use std::fs::Metadata;
use std::io;

/// Describes the processes that hold locks on these files: `process 71 (sqlite3)`. `None` if none is known.
///
/// Processes in other containers are not visible.
#[cfg(target_os = "linux")]
pub(super) fn lock_holders(
    files: impl IntoIterator<Item = io::Result<Metadata>>,
) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let files = files.into_iter().flatten();
    let found = files.flat_map(|file| locks_of(&locks, file.dev(), file.ino()));
    // A change of a database that waits holds locks itself.
    let (own, mut others) = found.partition::<Vec<_>, _>(|lock| lock.process == std::process::id());
    // Readers only block a commit, so they matter only where no other process writes.
    if others.iter().any(|lock| lock.is_write) {
        others.retain(|lock| lock.is_write);
    }
    let mut others = others.iter().map(|lock| lock.process).collect::<Vec<_>>();
    others.sort_unstable();
    others.dedup();
    let name = |id: &u32| match std::fs::read_to_string(format!("/proc/{id}/comm")) {
        Ok(name) => format!("process {id} ({})", name.trim_end().escape_debug()),
        Err(_) => format!("process {id}"),
    };
    match &others[..] {
        [] => (!own.is_empty()).then(|| "this process".to_owned()),
        others => Some(others.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn lock_holders(_: impl IntoIterator<Item = io::Result<Metadata>>) -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq, Eq)]
struct Lock {
    process: u32,
    is_write: bool,
}

/// Parses the locks on a file from the content of `/proc/locks` (proc(5)).
#[cfg(target_os = "linux")]
fn locks_of(locks: &str, device: u64, inode: u64) -> impl Iterator<Item = Lock> {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let file = format!("{major:02x}:{minor:02x}:{inode}");
    // `1: POSIX  ADVISORY  READ 71 fe:01:131 1073741826 1073742335`; a waiting lock has `->` as its second word.
    locks.lines().filter_map(move |line| {
        let words = line.split_whitespace().collect::<Vec<_>>();
        let [_, "POSIX" | "FLOCK", _, mode, process, place, ..] = words[..] else { return None };
        // A process of another namespace is shown as zero.
        let process = process.parse().ok().filter(|id| place == file && *id > 0)?;
        Some(Lock { process, is_write: mode == "WRITE" })
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn lock_list_names_holders_of_this_file() {
        let locks = "1: POSIX  ADVISORY  READ 71 fe:01:131 1073741826 1073742335\n\
            1: -> POSIX  ADVISORY  WRITE 72 fe:01:131 1073741824 1073741824\n\
            2: POSIX  ADVISORY  WRITE 73 fe:02:131 0 EOF\n\
            3: OFDLCK ADVISORY  READ -1 fe:01:131 0 0\n\
            4: POSIX  ADVISORY  WRITE 74 fe:01:131 1073741825 1073741825\n\
            5: FLOCK  ADVISORY  WRITE 75 fe:01:132 0 EOF\n\
            6: FLOCK  ADVISORY  WRITE 0 fe:01:132 0 EOF\n";
        let device = rustix::fs::makedev(0xfe, 1);
        let found = locks_of(locks, device, 131).collect::<Vec<_>>();
        let lock = |process, is_write| Lock { process, is_write };
        assert_eq!(found, [lock(71, false), lock(74, true)]);
        assert_eq!(locks_of(locks, device, 132).collect::<Vec<_>>(), [lock(75, true)]);
        assert_eq!(locks_of(locks, device, 13).count(), 0);
    }
}
