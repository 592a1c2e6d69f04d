use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::error::input_fault;
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// Which file stands at a path, however many names it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(Marks);

#[cfg(unix)]
type Marks = (u64, u64);
#[cfg(not(unix))]
type Marks = Option<std::time::SystemTime>;

impl Identity {
    /// The file that stands there now. This costs a microsecond, and opens nothing.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let metadata = fs::metadata(path).map_err(|error| input_fault(path, error))?;
        Ok(Self(marks(&metadata)))
    }
}

#[cfg(unix)]
fn marks(metadata: &Metadata) -> Marks {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn marks(metadata: &Metadata) -> Marks {
    metadata.created().ok()
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
