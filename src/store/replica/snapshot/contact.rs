//! When the database was last heard of, as the copy itself says it: the times of a file are those of
//! its last copying.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::{FORMAT, Sum, bad};

/// In the first block of the file, which is written as a whole or not at all.
const PLACE: u64 = FORMAT.len() as u64;

const TIME_BYTES: usize = 8;
const BYTES: usize = TIME_BYTES + size_of::<Sum>();

/// Where the rest of the copy begins.
pub(super) const END: u64 = PLACE + BYTES as u64;

/// Notes this time in a copy with that checksum of its body.
pub(super) fn note(mut file: &File, contact: SystemTime, body: Sum) -> io::Result<()> {
    let since = contact.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = u64::try_from(since.as_millis()).map_err(io::Error::other)?.to_le_bytes();
    let mut noted = [0; BYTES];
    noted[..TIME_BYTES].copy_from_slice(&time);
    noted[TIME_BYTES..].copy_from_slice(&sum(time, body));
    file.seek(SeekFrom::Start(PLACE))?;
    file.write_all(&noted)
}

/// The time that is noted in a copy with that checksum of its body.
pub(super) fn noted(file: &mut File, body: Sum) -> io::Result<SystemTime> {
    file.seek(SeekFrom::Start(PLACE))?;
    let (mut time, mut stated) = ([0; TIME_BYTES], Sum::default());
    file.read_exact(&mut time)?;
    file.read_exact(&mut stated)?;
    if sum(time, body) != stated {
        return Err(bad("its time is not as it was written"));
    }
    Ok(UNIX_EPOCH + Duration::from_millis(u64::from_le_bytes(time)))
}

fn sum(time: [u8; TIME_BYTES], body: Sum) -> Sum {
    Sha256::new().chain_update(time).chain_update(body).finalize().into()
}
