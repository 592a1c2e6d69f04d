use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::error::{file_error, io_error};
use crate::error::StoreError;
use crate::store::mount;
use crate::store::sql::DatabaseError;

/// The identity of a file, independent of its path, and the time of its last change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    file: Identity,
    len: u64,
    changed: ChangeTime,
}

#[cfg(unix)]
type Identity = (u64, u64);
/// Seconds and nanoseconds of the last status change, which `cp -p` does not preserve.
#[cfg(unix)]
type ChangeTime = (i64, i64);
#[cfg(not(unix))]
type Identity = Option<std::time::SystemTime>;
#[cfg(not(unix))]
type ChangeTime = Option<std::time::SystemTime>;

impl Stamp {
    /// Reads the stamp of the current file at the path. This takes a microsecond, and opens nothing.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let metadata = fs::metadata(path).map_err(|error| io_error(path, error))?;
        check_links(path, &metadata)?;
        Ok(Self::of(&metadata))
    }

    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { file: (metadata.dev(), metadata.ino()), len: metadata.len(), changed }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let changed = metadata.modified().ok();
        Self { file: metadata.created().ok(), len: metadata.len(), changed }
    }

    pub(super) fn is_same_file(self, other: Self) -> bool {
        self.file == other.file
    }
}

/// Refuses a file with several names (hard links): SQLite keeps a journal for each name, so a process that uses another
/// name may miss a change, or see one that was rolled back.
#[cfg(unix)]
fn check_links(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    match std::os::unix::fs::MetadataExt::nlink(metadata) {
        0 | 1 => Ok(()),
        count => Err(file_error(
            path,
            &format!(
                "the file has {count} hard links, and SQLite would keep a separate journal for \
                 each: remove the others (`find / -samefile` lists them), and share the folder instead"
            ),
        )),
    }
}

#[cfg(not(unix))]
fn check_links(_: &Path, _: &Metadata) -> Result<(), StoreError> {
    Ok(())
}

/// Refuses a file that is mounted without its folder, since it has another name outside the mount.
pub(super) fn check_mount(path: &Path) -> Result<(), StoreError> {
    if mount::is_mount_point(path) {
        return Err(file_error(
            path,
            "the file is mounted without its folder, in which SQLite keeps a journal: mount its \
             folder instead",
        ));
    }
    Ok(())
}

/// The files that SQLite keeps beside a database.
#[cfg(unix)]
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Refuses a database whose log or journal may be a link planted by an attacker: SQLite would write to its target.
///
/// Each must be a regular file with one name. Its owner does not matter: in a shared folder, it is the last
/// writer.
#[cfg(unix)]
pub(super) fn check_companions(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt as _;

    // SQLite follows symbolic links to a database, and keeps these files beside the target.
    let path = fs::canonicalize(path).map_err(|error| io_error(path, error))?;
    for suffix in COMPANIONS {
        let mut companion = path.clone().into_os_string();
        companion.push(suffix);
        let companion = Path::new(&companion);
        let metadata = match fs::symlink_metadata(companion) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io_error(companion, error)),
        };
        let why = if !metadata.is_file() {
            "it is not a regular file"
        } else if metadata.nlink() > 1 {
            "it has other names (hard links)"
        } else {
            continue;
        };
        return Err(file_error(
            companion,
            &format!(
                "SQLite would write to this file, and {why}: find out who put it there, and remove it"
            ),
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check_companions(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

// In POSIX, closing a file releases all locks that the process holds on it, including those of SQLite. So an empty file
// must be closed before SQLite opens it.
static CREATING: Mutex<()> = Mutex::new(());

/// Creates an empty file that only its owner can access, unless the path exists.
pub(super) fn create(path: &Path) -> Result<(), DatabaseError> {
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let why = match error.kind() {
                io::ErrorKind::NotFound => {
                    let folder = path.parent().unwrap_or(path);
                    format!("the folder {} does not exist: create it first", folder.display())
                }
                _ => format!("the file {} cannot be created: {error}", path.display()),
            };
            Err(DatabaseError::Location { why })
        }
        _ => Ok(()),
    }
}

/// Checks that the path leads to a file.
pub(super) fn check(path: &Path) -> Result<(), DatabaseError> {
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let location = |why| Err(DatabaseError::Location { why });
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => location(format!("{} is not a file", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => location(format!(
            "the file {} does not exist: create it with `keygate migrate`",
            path.display()
        )),
        Err(error) => Err(io_error(path, error).into()),
    }
}
