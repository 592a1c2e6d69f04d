use std::fs::{File, OpenOptions, TryLockError};
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
        let path = beside(path, ".lock");
        let fault = |error| EditFault::Lock { path: path.clone(), error };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(fault)?;
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
