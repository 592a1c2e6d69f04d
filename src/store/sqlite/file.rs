use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::error::{input_fault, plain_fault};
use crate::error::StoreError;
use crate::store::mount;
use crate::store::sql::DatabaseError;

/// Which file stands at a path, however many links lead there, and when it last changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    file: Identity,
    len: u64,
    changed: Instant,
}

#[cfg(unix)]
type Identity = (u64, u64);
/// Seconds and nanoseconds of the last change, of which `cp -p` keeps none.
#[cfg(unix)]
type Instant = (i64, i64);
#[cfg(not(unix))]
type Identity = Option<std::time::SystemTime>;
#[cfg(not(unix))]
type Instant = Option<std::time::SystemTime>;

impl Stamp {
    /// The file that stands there now. This costs a microsecond, and opens nothing.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let metadata = fs::metadata(path).map_err(|error| input_fault(path, error))?;
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

/// Refuses a file with several names: SQLite keeps a journal beside each, so that a change by one name
/// is not seen by another, and one that was rolled back is.
#[cfg(unix)]
fn check_links(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    match std::os::unix::fs::MetadataExt::nlink(metadata) {
        0 | 1 => Ok(()),
        count => Err(plain_fault(
            path,
            &format!(
                "the file has {count} hard links, and SQLite would keep a journal of its own for \
                 each: remove the others (`find / -samefile` lists them), and share the folder instead"
            ),
        )),
    }
}

#[cfg(not(unix))]
fn check_links(_: &Path, _: &Metadata) -> Result<(), StoreError> {
    Ok(())
}

/// Refuses a file that is mounted apart from its folder, which has another name outside.
pub(super) fn check_mount(path: &Path) -> Result<(), StoreError> {
    if mount::is_mount_point(path) {
        return Err(plain_fault(
            path,
            "the file is mounted by itself, and the journal that SQLite keeps beside it is not: \
             mount its folder instead",
        ));
    }
    Ok(())
}

/// The files that SQLite keeps beside a database.
#[cfg(unix)]
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Refuses a database whose log or journal somebody else has prepared: SQLite would write to it.
///
/// Each must be a regular file with one name. Its owner does not matter: in a shared folder, it belongs to whoever
/// wrote last.
#[cfg(unix)]
pub(super) fn check_companions(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt as _;

    // SQLite follows the links of a database, and keeps these beside the file itself.
    let path = fs::canonicalize(path).map_err(|error| input_fault(path, error))?;
    for suffix in COMPANIONS {
        let mut companion = path.clone().into_os_string();
        companion.push(suffix);
        let companion = Path::new(&companion);
        let metadata = match fs::symlink_metadata(companion) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(input_fault(companion, error)),
        };
        let why = if !metadata.is_file() {
            "it is no regular file"
        } else if metadata.nlink() > 1 {
            "it has other names (hard links)"
        } else {
            continue;
        };
        return Err(plain_fault(
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

// Closing a file ends all locks that its process holds on it (POSIX), those of SQLite too: whoever
// makes an empty file must have closed it before anybody here opens it.
static CREATING: Mutex<()> = Mutex::new(());

/// Makes an empty file, for its owner alone, where there is none.
pub(super) fn create(path: &Path) -> Result<(), DatabaseError> {
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "its folder is not there: make it first".to_owned(),
                _ => error.to_string(),
            };
            let why = format!("{} cannot be made: {why}", path.display());
            Err(DatabaseError::Location { why })
        }
        _ => Ok(()),
    }
}

/// Whether a database can be opened at this path.
pub(super) fn check(path: &Path) -> Result<(), DatabaseError> {
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let location = |why| Err(DatabaseError::Location { why });
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => location(format!("{} is not a file", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            location(format!("there is no file {}: make it with `keygate migrate`", path.display()))
        }
        Err(error) => Err(input_fault(path, error).into()),
    }
}
