//! Reads the files that a connection needs, up to a size.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a regular file of at most `kibibytes` KiB.
pub(super) fn read(path: &Path, kibibytes: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Opening a pipe would wait for its writer.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > kibibytes * 1024 {
        return Err(io::Error::other(format!("it is longer than {kibibytes} KiB")));
    }
    let length = usize::try_from(length).unwrap_or_default();
    // Full capacity, since growing the buffer would leave a copy of a secret behind.
    let mut text = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(kibibytes * 1024).read_to_end(&mut text)?;
    Ok(text)
}
