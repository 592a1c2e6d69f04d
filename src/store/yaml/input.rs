use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::fault::{Fault, FaultKind, Position};
use super::file::Target;

/// The largest file that is read: about 18 million keys, and a bound where somebody names a device.
const MAX_FILE_BYTES: usize = 1 << 30;

/// Reads a regular file, and refuses all else: a pipe would have its reader wait for the other end, and
/// a device has no text to come back to.
pub(super) fn read_regular(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let at_once = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, at_once);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    if is_replaced(&file, || options.open(path))? {
        return Err(FaultKind::Replaced.into());
    }
    read_opened(&file)
}

/// Returns whether a path leads to a file without a name, as it does where a file was mounted by itself and
/// then replaced. Where it was opened just before it was replaced, another is there now.
#[cfg(unix)]
fn is_replaced(file: &File, again: impl FnOnce() -> io::Result<File>) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let one = file.metadata()?;
    if one.nlink() > 0 || !one.is_file() {
        return Ok(false);
    }
    let other = again()?.metadata()?;
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// As [`read_regular`], for a file that is being edited.
pub(super) fn read_target(target: &Target) -> Result<Zeroizing<Vec<u8>>, Fault> {
    read_opened(&target.open()?)
}

fn read_opened(file: &File) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FaultKind::NotRegular.into());
    }
    let size = usize::try_from(metadata.len()).ok().filter(|size| *size <= MAX_FILE_BYTES);
    // One byte more than the file says it has, so that its end is seen without growing.
    read(file, size.ok_or(FaultKind::TooLarge)? + 1)
}

/// Reads to the end into a buffer that is overwritten when it is given up, also when it has to grow:
/// `Read::read_to_end` would leave copies of the keys behind.
pub(super) fn read(reader: impl Read, size: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    read_at_most(MAX_FILE_BYTES, reader, size)
}

fn read_at_most(
    most: usize,
    mut reader: impl Read,
    size: usize,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
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
            return Err(FaultKind::TooLarge.into());
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        // As the parser counts: a byte order mark has no column.
        let valid = valid.strip_prefix('\u{feff}').unwrap_or(valid);
        FaultKind::NotUtf8.at(Position::new(1, 1).behind(valid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, and is interrupted before each.
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
    fn everything_is_read_however_it_comes() {
        let text: Vec<u8> = (0..30_000_u32).map(|number| (number % 251) as u8).collect();
        assert_eq!(*read(Slow(&text, false), 0).unwrap(), text);
        assert_eq!(*read(&text[..], text.len()).unwrap(), text);
        assert_eq!(*read(&text[..], text.len() + 1).unwrap(), text);
    }

    #[test]
    fn endless_input_is_refused() {
        let endless = read_at_most(100_000, io::repeat(b'#'), 0);
        assert!(matches!(endless, Err(fault) if fault.is_too_large()));
        assert!(read_at_most(100_000, io::repeat(b'#').take(100_000), 0).is_ok());
    }

    #[test]
    fn place_of_the_first_byte_that_is_not_utf8_is_told() {
        let fault = utf8(b"api_keys:\n  \xc3\xa9\xff: x").unwrap_err();
        assert_eq!(fault.place(), Some(Position::new(2, 4)));
    }
}
