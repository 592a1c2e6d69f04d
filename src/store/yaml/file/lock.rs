use std::ffi::OsStr;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::edit_error::EditErrorKind;
use super::target::{Target, beside};
use crate::key::KeyDigest;
use crate::store::folder::{Folder, UntrustedFile, is_untrusted, owner_of, require_own};
use crate::store::lock_holders::lock_holders;
use crate::store::mount;
use crate::store::yaml::report::KeyFileEvent;

/// An edit takes milliseconds, so a process that holds the lock for this long must have been stopped.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Waiting for longer than this is reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

const RETRY_EVERY: Duration = Duration::from_millis(5);

const SUFFIX: &str = ".lock";

/// Length of `sha256:` and 64 digits.
const CONTENT_BYTES: usize = 71;

/// An exclusive lock on editing a key file, held until it is dropped or its process ends.
///
/// The lock is on a separate file, since the key file is replaced. That file is never removed, so that two processes
/// cannot lock two different files. It contains the digest of the text that the last edit wrote, by which a complete
/// file is distinguished from a partly written one.
pub(in crate::store::yaml) struct Lock {
    file: File,
}

impl Lock {
    /// Checks, without changing anything, that the lock of a file could be acquired.
    pub(super) fn check(target: &Target) -> Result<(), EditErrorKind> {
        if mount::is_mount_point(&target.path) {
            return Err(EditErrorKind::Mounted);
        }
        let key_file =
            target.open().and_then(|file| file.metadata()).map_err(EditErrorKind::Find)?;
        check_owner(&key_file).map_err(EditErrorKind::Owner)?;
        let name = beside(&target.name, SUFFIX);
        let lock = target.folder.write(&name);
        match lock.and_then(|file| require_own(file, Some(owner_of(&key_file)))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(lock_error(target, &name, error))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Finds a file and acquires its lock. A long wait is reported once.
    pub(in crate::store::yaml) fn acquire(
        file: &Path,
        report: &dyn Fn(KeyFileEvent),
    ) -> Result<(Target, Self), EditErrorKind> {
        loop {
            let target = Target::find(file)?;
            if mount::is_mount_point(&target.path) {
                return Err(EditErrorKind::Mounted);
            }
            let lock = Self::acquire_once(&target, report)?;
            // Links and folder may have changed during the wait.
            let now = fs::canonicalize(file).map_err(EditErrorKind::Find)?;
            if now == target.path && target.folder.is_of(&target.path) {
                return Ok((target, lock));
            }
        }
    }

    fn acquire_once(target: &Target, report: &dyn Fn(KeyFileEvent)) -> Result<Self, EditErrorKind> {
        let name = beside(&target.name, SUFFIX);
        let path = || target.path.with_file_name(&name);
        let lock_error = |error| lock_error(target, &name, error);
        let key_file =
            target.open().and_then(|file| file.metadata()).map_err(EditErrorKind::Find)?;
        check_owner(&key_file).map_err(EditErrorKind::Owner)?;
        let open = || target.folder.open_or_create(&name, &key_file, Folder::write);
        let start = Instant::now();
        let mut is_reported = false;
        let mut file = open().map_err(lock_error)?;
        loop {
            match file.try_lock() {
                Ok(()) if is_removed(&file).map_err(lock_error)? => {
                    file = open().map_err(lock_error)?;
                }
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(lock_error(error)),
                Err(TryLockError::WouldBlock) if start.elapsed() > TIMEOUT => {
                    return Err(EditErrorKind::Busy { holder: holder(&file) });
                }
                Err(TryLockError::WouldBlock) if !is_reported && start.elapsed() > REPORT_AFTER => {
                    is_reported = true;
                    report(KeyFileEvent::Waiting { lock: path(), holder: holder(&file) });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(RETRY_EVERY),
            }
        }
        let content = read_content(&file).map_err(lock_error)?;
        if !is_lock_content(&content) {
            return Err(lock_error(UntrustedFile::Content.into()));
        }
        Ok(Self { file })
    }

    /// Returns the digest of the text that the last edit wrote.
    pub(in crate::store::yaml) fn digest_of_last_edit(&self) -> Option<KeyDigest> {
        digest(&self.file)
    }

    /// Records the digest of the text that an edit is about to write. A failure only makes readers check twice.
    pub(in crate::store::yaml) fn record_digest(&self, text: KeyDigest) {
        // All digests have the same length, so that nothing has to be truncated.
        let mut file = &self.file;
        let _ = file.rewind().and_then(|()| file.write_all(text.to_text().as_bytes()));
    }
}

fn lock_error(target: &Target, name: &OsStr, error: io::Error) -> EditErrorKind {
    let path = target.path.with_file_name(name);
    if is_untrusted(&error) {
        EditErrorKind::UntrustedLock { path, error }
    } else {
        EditErrorKind::Lock { path, error }
    }
}

fn holder(lock: &File) -> String {
    lock_holders([lock.metadata()]).unwrap_or_else(|| "another process".to_owned())
}

/// Returns the digest of the text that the last edit of this file wrote.
pub(in crate::store::yaml) fn digest_of_last_edit(path: &Path) -> Option<KeyDigest> {
    let path = fs::canonicalize(path).ok()?;
    let owner = owner_of(&fs::metadata(&path).ok()?);
    let lock = Folder::of(&path).ok()?.read(&beside(path.file_name()?, SUFFIX)).ok()?;
    let lock = require_own(lock, Some(owner)).ok()?;
    digest(&lock)
}

fn digest(lock: &File) -> Option<KeyDigest> {
    std::str::from_utf8(&read_content(lock).ok()?).ok()?.parse().ok()
}

/// Reads a lock file, at most one byte more than keygate writes.
fn read_content(lock: &File) -> io::Result<Vec<u8>> {
    let (mut content, mut lock) = (Vec::new(), lock);
    lock.rewind()?;
    lock.take(CONTENT_BYTES as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// Returns whether keygate wrote this content, perhaps cut short by a full disk or a crash.
fn is_lock_content(content: &[u8]) -> bool {
    const ALGORITHM: &[u8] = b"sha256:";
    let (algorithm, digest) = content.split_at(content.len().min(ALGORITHM.len()));
    let is_prefix = ALGORITHM.starts_with(algorithm) && digest.iter().all(u8::is_ascii_hexdigit);
    content.len() <= CONTENT_BYTES && (is_prefix || content.iter().all(|byte| *byte == 0))
}

/// Checks that this process can create a lock with the same owner as the key file.
fn check_owner(key_file: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    if !crate::store::folder::is_own(key_file) && !rustix::process::geteuid().is_root() {
        return Err(rustix::io::Errno::PERM.into());
    }
    let _ = key_file;
    Ok(())
}

fn is_removed(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0);
    #[cfg(not(unix))]
    return file.metadata().map(|_| false);
}
