use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::beside;
use super::fault::EditFault;
use crate::digest::KeyDigest;

/// An edit takes milliseconds: whoever has the lock for so long has been stopped.
const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// Keeps all others that use keygate from editing a file, until it is dropped or its process ends.
///
/// The lock is on a file beside, since the file itself is replaced. That file stays: whoever removed
/// it could have two others hold two locks. It holds the digest of the text that the last edit left, by
/// which a whole file can be told from one that somebody is writing.
pub(in crate::store::yaml) struct Lock {
    file: File,
}

impl Lock {
    /// `path` is without symbolic links, so that all who edit the file come to the same lock.
    pub(in crate::store::yaml) fn acquire(path: &Path) -> Result<Self, EditFault> {
        let of = path;
        let path = beside(path, ".lock");
        let fault = |error| EditFault::Lock { path: path.clone(), error };
        let file = open(&path, of).map_err(fault)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::Error(error)) => return Err(fault(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                    return Err(EditFault::Busy);
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
    }
}

impl Lock {
    /// Notes which text an edit is about to leave. Where that fails, the text will be looked at twice.
    pub(in crate::store::yaml) fn leave(&self, text: KeyDigest) {
        let mut file = &self.file;
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.to_text().as_bytes()));
    }
}

/// Which text the last edit of this file left.
pub(in crate::store::yaml) fn left_by_edit(path: &Path) -> Option<KeyDigest> {
    let path = fs::canonicalize(path).ok()?;
    let note = beside(&path, ".lock");
    // So that nobody can have us wait for the other end of a pipe.
    let is_file = fs::metadata(&note).is_ok_and(|metadata| metadata.is_file());
    is_file.then(|| fs::read_to_string(note).ok()?.parse().ok())?
}

/// Opens a lock, or makes it for those who may edit the file: otherwise root would keep them out.
fn open(path: &Path, of: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // What is new is no link to something else.
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Opening a pipe would wait for its other end.
            if fs::metadata(path)?.is_file() {
                options.open(path)
            } else {
                Err(io::Error::other("it is no regular file"))
            }
        }
        made => {
            let file = made?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::{MetadataExt as _, fchown};
                let owner = fs::metadata(of)?;
                // Who is not root owns the file, or cannot edit it.
                let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()));
            }
            Ok(file)
        }
    }
}
