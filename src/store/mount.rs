//! Files that are mounted without their folder, such as with `docker -v ./keys.yml:/app/keys.yml` or a `subPath` of
//! Kubernetes.

use std::path::Path;

/// Returns whether the file is itself a mount point. Known on Linux only.
#[cfg(target_os = "linux")]
pub(in crate::store) fn is_mount_point(path: &Path) -> bool {
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    std::fs::canonicalize(path).is_ok_and(|path| is_in(&mounts, &path))
}

#[cfg(not(target_os = "linux"))]
pub(in crate::store) fn is_mount_point(_: &Path) -> bool {
    false
}

/// Returns whether a mount point has this path (`proc_pid_mountinfo(5)`).
#[cfg(target_os = "linux")]
fn is_in(mounts: &[u8], path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;

    // The kernel writes these as three octal digits.
    let escaped = path.as_os_str().as_bytes().iter().flat_map(|byte| match byte {
        b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
        byte => vec![*byte],
    });
    let path = escaped.collect::<Vec<_>>();
    let mut points = mounts.split(|byte| *byte == b'\n');
    points.any(|line| line.split(|byte| *byte == b' ').nth(4) == Some(&*path))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_found_in_mountinfo() {
        let mounts = b"22 27 0:21 / /proc rw,relatime - proc proc rw\n\
            941 823 254:0 /srv/a\\040b/keys.yml /app/my\\040keys\\134.yml ro - ext4 /dev/vda rw\n";
        assert!(is_in(mounts, Path::new("/app/my keys\\.yml")));
        assert!(is_in(mounts, Path::new("/proc")));
        assert!(!is_in(mounts, Path::new("/srv/a b/keys.yml")));
        assert!(!is_in(mounts, Path::new("/app")));
        assert!(!is_in(b"", Path::new("/app")));
    }
}
