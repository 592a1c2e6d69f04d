use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::beside;
use super::fault::EditFault;

/// An edit takes milliseconds: whoever has the lock for so long has been stopped.
const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// Keeps all others that use keygate from editing a file, until it is dropped or its process ends.
///
/// The lock is on a file beside, since the file itself is replaced. That file stays: whoever removed
/// it could have two others hold two locks.
pub(in crate::store::yaml) struct Lock {
    _file: File,
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
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(fault(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                    return Err(EditFault::Busy);
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
    }
}

/// Opens a lock, or makes it for those who may edit the file: otherwise root would keep them out.
fn open(path: &Path, of: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // What is new is no link to something else.
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
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
