use std::ffi::OsStr;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::fault::EditFault;
use super::holder::holder;
use super::{Target, beside};
use crate::key::KeyDigest;
use crate::store::folder::{Folder, Foreign, is_foreign, own, own_alone, owner_of};
use crate::store::yaml::report::{YamlEvent, holder_text};

/// An edit takes milliseconds: whoever has the lock for so long has been stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nobody waits for longer without being told.
const SOON: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_millis(5);

const SUFFIX: &str = ".lock";

/// `sha256:` and 64 digits.
const NOTE_BYTES: usize = 71;

/// Keeps all others that use keygate from editing a file, until it is dropped or its process ends.
///
/// The lock is on a file beside, since the file itself is replaced. That file stays: whoever removed
/// it could have two others hold two locks. It holds the digest of the text that the last edit left, by
/// which a whole file can be told from one that somebody is writing.
pub(in crate::store::yaml) struct Lock {
    file: File,
}

impl Lock {
    /// Acquires the lock of a file. Whoever has to wait for it is told so, once.
    pub(super) fn acquire(target: &Target, waits: &dyn Fn(YamlEvent)) -> Result<Self, EditFault> {
        let name = beside(&target.name, SUFFIX);
        let path = || target.path.with_file_name(&name);
        let fault = |error: io::Error| {
            let path = path();
            if is_foreign(&error) {
                EditFault::ForeignLock { path, error }
            } else {
                EditFault::Lock { path, error }
            }
        };
        let of = target.open().and_then(|file| file.metadata()).map_err(EditFault::Find)?;
        can_give(&of).map_err(EditFault::Owner)?;
        let begun = Instant::now();
        let mut is_reported = false;
        let mut file = open(&target.folder, &name, &of).map_err(fault)?;
        loop {
            match file.try_lock() {
                Ok(()) if is_removed(&file).map_err(fault)? => {
                    file = open(&target.folder, &name, &of).map_err(fault)?;
                }
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(fault(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                    let (id, name) = holder(&file);
                    return Err(EditFault::Busy { holder: holder_text(id, name.as_deref()) });
                }
                Err(TryLockError::WouldBlock) if !is_reported && begun.elapsed() > SOON => {
                    is_reported = true;
                    let (process_id, process_name) = holder(&file);
                    waits(YamlEvent::Waiting { lock: path(), process_id, process_name });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
        let note = note(&file).map_err(fault)?;
        if !is_note(&note) {
            return Err(fault(Foreign::Content.into()));
        }
        Ok(Self { file })
    }

    /// Which text the last edit left.
    pub(in crate::store::yaml) fn left(&self) -> Option<KeyDigest> {
        digest(&self.file)
    }

    /// Notes which text an edit is about to leave. Where that fails, the text will be looked at twice.
    pub(in crate::store::yaml) fn leave(&self, text: KeyDigest) {
        // As long as the one before, so that nothing has to be cut off.
        let mut file = &self.file;
        let _ = file.rewind().and_then(|()| file.write_all(text.to_text().as_bytes()));
    }
}

/// Which text the last edit of this file left.
pub(in crate::store::yaml) fn left_by_edit(path: &Path) -> Option<KeyDigest> {
    let path = fs::canonicalize(path).ok()?;
    let owner = owner_of(&fs::metadata(&path).ok()?);
    let lock = Folder::of(&path).ok()?.read(&beside(path.file_name()?, SUFFIX)).ok()?;
    let lock = own(lock, Some(owner)).ok()?;
    digest(&lock)
}

fn digest(lock: &File) -> Option<KeyDigest> {
    std::str::from_utf8(&note(lock).ok()?).ok()?.parse().ok()
}

/// What a lock holds, and no more than shows that it is another file.
fn note(lock: &File) -> io::Result<Vec<u8>> {
    let (mut note, mut lock) = (Vec::new(), lock);
    lock.rewind()?;
    lock.take(NOTE_BYTES as u64 + 1).read_to_end(&mut note)?;
    Ok(note)
}

/// Returns whether keygate wrote this, all of it or as much as a full disk or a crash left.
fn is_note(note: &[u8]) -> bool {
    const ALGORITHM: &[u8] = b"sha256:";
    let (algorithm, digest) = note.split_at(note.len().min(ALGORITHM.len()));
    let is_begun = ALGORITHM.starts_with(algorithm) && digest.iter().all(u8::is_ascii_hexdigit);
    note.len() <= NOTE_BYTES && (is_begun || note.iter().all(|byte| *byte == 0))
}

/// Opens a lock, or makes it for those who may edit the file: otherwise root would keep them out.
fn open(folder: &Folder, name: &OsStr, of: &Metadata) -> io::Result<File> {
    loop {
        match folder.create(name) {
            Ok(file) => give(&file, of),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        match folder.write(name).and_then(|file| own_alone(file, Some(owner_of(of)))) {
            // Removed in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
    }
}

/// Gives a new lock to the owner of the file. Root may be without the right to.
fn give(lock: &File, of: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let _ = fchown(lock, Some(of.uid()), Some(of.gid()));
    }
    #[cfg(not(unix))]
    let _ = (lock, of);
}

/// Before a lock is made, which would belong to somebody else than the file.
fn can_give(of: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    if !crate::store::folder::is_own(of) && !rustix::process::geteuid().is_root() {
        return Err(rustix::io::Errno::PERM.into());
    }
    let _ = of;
    Ok(())
}

fn is_removed(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0);
    #[cfg(not(unix))]
    return file.metadata().map(|_| false);
}
