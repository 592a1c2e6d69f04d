//! The files that a connection needs, read within bounds.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a plain file of at most so many KiB.
pub(super) fn read(path: &Path, kibibytes: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Before it is opened, which would wait for the writer of a pipe.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > kibibytes * 1024 {
        return Err(io::Error::other(format!("it is longer than {kibibytes} KiB")));
    }
    let length = usize::try_from(length).unwrap_or_default();
    // Enough from the beginning, so that no copy is left behind by a text that grows.
    let mut text = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(kibibytes * 1024).read_to_end(&mut text)?;
    Ok(text)
}
