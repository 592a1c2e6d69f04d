use std::io;
use std::path::Path;

/// Returns whether the file at `path` is mounted by itself, apart from its folder. Links are followed.
///
/// Always `false` on systems other than Linux.
#[cfg(target_os = "linux")]
pub(crate) fn is_mount_point(path: &Path) -> io::Result<bool> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    match statx(CWD, path, AtFlags::empty(), StatxFlags::empty()) {
        Ok(found) if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) => {
            Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
        }
        // Linux before 5.8 does not know the attribute, and a sandbox may not know the call.
        Ok(_) | Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            let mounts = std::fs::read("/proc/self/mountinfo")?;
            Ok(is_listed(&mounts, path.canonicalize()?.as_os_str().as_encoded_bytes()))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount_point(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Returns whether `path` is a mount point in this text of `/proc/self/mountinfo` (proc(5)).
#[cfg(target_os = "linux")]
fn is_listed(mounts: &[u8], path: &[u8]) -> bool {
    let point = |line: &[u8]| line.split(|byte| *byte == b' ').nth(4).map(unescape);
    mounts.split(|byte| *byte == b'\n').filter_map(point).any(|point| point == path)
}

/// Blanks, tabs, line feeds and backslashes stand there as `\` and three octal digits.
#[cfg(target_os = "linux")]
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] = rest {
            plain.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = tail;
        } else {
            plain.push(*first);
            rest = tail;
        }
    }
    plain
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn mount_list_names_mounted_files_and_no_others() {
        let mounts = b"22 1 0:20 / / rw - ext4 /dev/vda rw\n\
            36 22 0:20 /keys.db /srv/a\\040b\\134c/keys.db rw,noatime shared:1 - ext4 /dev/vda rw\n";
        assert!(is_listed(mounts, br"/srv/a b\c/keys.db"));
        for path in ["/srv/keys.db", r"/srv/a b\c", r"/srv/a\040b\134c/keys.db", "/keys.db", ""] {
            assert!(!is_listed(mounts, path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn root_is_a_mount_point_and_a_plain_file_is_not() {
        assert!(is_mount_point(Path::new("/")).unwrap());
        assert!(!is_mount_point(Path::new(file!())).unwrap());
        assert!(is_mount_point(Path::new("/not-there")).is_err());
    }
}
