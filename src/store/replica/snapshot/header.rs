use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::key::PackedStatus;

pub(super) type Checksum = [u8; 32];

/// The format and its version, the time of the last contact in milliseconds since 1970, the checksum of the rest of
/// the file, and a checksum of these two. In the first block of the file, which a disk writes atomically.
///
/// The modification time of the file would change when it is copied.
pub(super) struct Header {
    pub(super) contact: SystemTime,
    pub(super) checksum: Checksum,
}

const FORMAT: &[u8] = b"keygate snapshot 5\n";
/// If the size of a key's status changes, the version of the format must change.
const _: () = assert!(PackedStatus::BYTES == 8);
pub(super) const HEADER_BYTES: u64 = (FORMAT.len() + 8 + 2 * size_of::<Checksum>()) as u64;

impl Header {
    pub(super) fn read(mut file: &File) -> io::Result<Self> {
        if *FORMAT != array::<{ FORMAT.len() }>(&mut file)? {
            return Err(unusable("it has another version"));
        }
        let (time, checksum) = (array(&mut file)?, array(&mut file)?);
        if array(&mut file)? != Self::own_checksum(time, checksum) {
            return Err(unusable("the checksum of its time is wrong"));
        }
        let contact = UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_le_bytes(time)));
        match contact.filter(|contact| *contact <= SystemTime::now()) {
            Some(contact) => Ok(Self { contact, checksum }),
            None => Err(unusable("its time is in the future")),
        }
    }

    pub(super) fn write(&self, mut file: &File) -> io::Result<()> {
        let Self { contact, checksum } = *self;
        let since = contact.duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(since.as_millis()).map_err(io::Error::other)?.to_le_bytes();
        file.rewind()?;
        file.write_all(&[FORMAT, &time, &checksum, &Self::own_checksum(time, checksum)].concat())
    }

    fn own_checksum(time: [u8; 8], checksum: Checksum) -> Checksum {
        Sha256::new().chain_update(time).chain_update(checksum).finalize().into()
    }
}

/// Computes the checksum of the file after its header.
pub(super) fn checksum(mut file: &File) -> io::Result<Checksum> {
    file.seek(SeekFrom::Start(HEADER_BYTES))?;
    let mut hasher = Sha256::new();
    let mut bytes = vec![0; 1 << 16];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hasher.finalize().into()),
            count => hasher.update(&bytes[..count]),
        }
    }
}

pub(super) fn array<const COUNT: usize>(file: &mut impl io::Read) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn unusable(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the snapshot cannot be used: {why}"))
}
