use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::file::Target;
use super::load_error::{LoadError, LoadErrorKind};
use super::position::Position;

/// The maximum size of a file, enough for about 18 million keys.
pub(super) const MAX_FILE_BYTES: usize = 1 << 30;

/// Reads a regular file. Pipes are refused because they could block, and devices because they cannot be reread.
pub(super) fn read_regular(path: &Path) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    if is_unlinked(&file, || options.open(path))? {
        return Err(LoadErrorKind::Replaced.into());
    }
    read_opened(&file)
}

/// Returns whether a path leads to a file that has no name any more, because it was mounted without its folder and then
/// replaced. The path is opened again, to exclude a file that was replaced just after it was opened.
#[cfg(unix)]
fn is_unlinked(file: &File, reopen: impl FnOnce() -> io::Result<File>) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let first = file.metadata()?;
    if first.nlink() > 0 || !first.is_file() {
        return Ok(false);
    }
    let second = reopen()?.metadata()?;
    Ok((first.dev(), first.ino()) == (second.dev(), second.ino()))
}

/// Reads a file that is being edited, as [`read_regular`] does.
pub(super) fn read_target(target: &Target) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    read_opened(&target.open()?)
}

fn read_opened(file: &File) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(LoadErrorKind::NotRegular.into());
    }
    let size = usize::try_from(metadata.len()).ok().filter(|size| *size <= MAX_FILE_BYTES);
    // One byte more than the size, so that the end of the file is reached without growing the buffer.
    read_all(file, size.ok_or(LoadErrorKind::TooLarge)? + 1)
}

/// Reads to the end into a buffer that is overwritten when it is dropped or grown. `Read::read_to_end` would leave
/// copies of the keys in memory.
pub(super) fn read_all(reader: impl Read, size: usize) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    read_at_most(MAX_FILE_BYTES, reader, size)
}

fn read_at_most(
    most: usize,
    mut reader: impl Read,
    size: usize,
) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let mut buffer = Zeroizing::new(vec![0; size.clamp(8 * 1024, most + 1)]);
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            let mut larger = Zeroizing::new(vec![0; (filled * 2).min(most + 1)]);
            larger[..filled].copy_from_slice(&buffer);
            buffer = larger;
        }
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if filled > most {
            return Err(LoadErrorKind::TooLarge.into());
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, LoadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        // The parser does not count a byte order mark as a column either.
        let valid = valid.strip_prefix('\u{feff}').unwrap_or(valid);
        LoadErrorKind::NotUtf8.at(Position::new(1, 1).after(valid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one byte at a time, and is interrupted before each.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = self.0.len().min(1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn reader_is_read_to_its_end() {
        let text: Vec<u8> = (0..30_000_u32).map(|number| (number % 251) as u8).collect();
        assert_eq!(*read_all(Slow(&text, false), 0).unwrap(), text);
        assert_eq!(*read_all(&text[..], text.len()).unwrap(), text);
        assert_eq!(*read_all(&text[..], text.len() + 1).unwrap(), text);
    }

    #[test]
    fn endless_input_is_refused() {
        let endless = read_at_most(100_000, io::repeat(b'#'), 0);
        assert!(matches!(endless, Err(LoadError { kind: LoadErrorKind::TooLarge, .. })));
        assert!(read_at_most(100_000, io::repeat(b'#').take(100_000), 0).is_ok());
    }

    #[test]
    fn position_of_invalid_utf8_is_reported() {
        let error = utf8(b"api_keys:\n  \xc3\xa9\xff: x").unwrap_err();
        assert_eq!(error.position, Some(Position::new(2, 4)));
    }
}
