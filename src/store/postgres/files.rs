//! Reads the files that a connection needs, up to a maximum size.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Who may have access to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Anyone,
    OwnerOnly,
}

/// Reads a regular file of at most `kibibytes` KiB.
pub(super) fn read(path: &Path, kibibytes: u64, access: Access) -> io::Result<Zeroizing<Vec<u8>>> {
    // Opening a pipe would block until it has a writer.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if access == Access::OwnerOnly {
        check_mode(&metadata)?;
    }
    if metadata.len() > kibibytes * 1024 {
        return Err(io::Error::other(format!("it is longer than {kibibytes} KiB")));
    }
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    // Reserved in full, since growing the buffer would leave a copy of a secret behind.
    let mut text = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(kibibytes * 1024).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn check_mode(metadata: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let why = format!("its mode {mode:03o} gives access to others: `chmod 600` it");
        return Err(io::Error::other(why));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::OpenOptionsExt as _;

    use super::*;

    #[test]
    fn large_and_shared_files_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, mode, length, access| {
            let path = folder.path().join(name);
            let file = File::options().write(true).create_new(true).mode(mode).open(&path).unwrap();
            file.set_len(length).unwrap();
            read(&path, 1024, access).unwrap_err().to_string()
        };
        let large = refused("large", 0o600, 1 << 30, Access::OwnerOnly);
        assert_eq!(large, "it is longer than 1024 KiB");
        let shared = refused("shared", 0o640, 10, Access::OwnerOnly);
        assert!(shared.starts_with("its mode 640"), "{shared}");
        assert!(read(&folder.path().join("shared"), 1024, Access::Anyone).is_ok());
    }
}
