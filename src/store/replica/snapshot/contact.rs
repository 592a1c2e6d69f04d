//! The time of the last contact, as part of the file: its modification time changes when it is copied.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::format::{Checksum, FORMAT, unusable};

/// In the first block of the file, which a disk writes atomically.
const START: u64 = FORMAT.len() as u64;

const TIME_BYTES: usize = 8;
const BYTES: usize = TIME_BYTES + size_of::<Checksum>();

/// Where the rest of the snapshot begins.
pub(super) const END: u64 = START + BYTES as u64;

/// Writes the time into a snapshot whose body has this checksum.
pub(super) fn write_contact(
    mut file: &File,
    contact: SystemTime,
    body: Checksum,
) -> io::Result<()> {
    let since = contact.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = u64::try_from(since.as_millis()).map_err(io::Error::other)?.to_le_bytes();
    let mut bytes = [0; BYTES];
    bytes[..TIME_BYTES].copy_from_slice(&time);
    bytes[TIME_BYTES..].copy_from_slice(&checksum(time, body));
    file.seek(SeekFrom::Start(START))?;
    file.write_all(&bytes)
}

/// Reads the time from a snapshot whose body has this checksum.
pub(super) fn read_contact(file: &mut File, body: Checksum) -> io::Result<SystemTime> {
    file.seek(SeekFrom::Start(START))?;
    let (mut time, mut stored) = ([0; TIME_BYTES], Checksum::default());
    file.read_exact(&mut time)?;
    file.read_exact(&mut stored)?;
    if checksum(time, body) != stored {
        return Err(unusable("the checksum of its time is wrong"));
    }
    Ok(UNIX_EPOCH + Duration::from_millis(u64::from_le_bytes(time)))
}

fn checksum(time: [u8; TIME_BYTES], body: Checksum) -> Checksum {
    Sha256::new().chain_update(time).chain_update(body).finalize().into()
}
