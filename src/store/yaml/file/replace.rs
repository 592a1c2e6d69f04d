use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::fault::EditFault;
use super::{beside, folder};
use crate::store::yaml::input;

/// What the name of a file ends with that is to take the place of another.
const TEMPORARY: &str = ".keygate-tmp";

/// Whether a file was replaced.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store::yaml) enum Replaced {
    Done,
    /// The file is not the one any more that the new text was made from.
    Changed,
    /// It was, but the folder could not be written out.
    Unsynced(String),
}

/// Replaces a file that holds `old` by one that holds `new`: readers see the one or the other, whole.
///
/// The caller has the lock. `path` is without symbolic links.
pub(in crate::store::yaml) fn replace(
    path: &Path,
    old: &[u8],
    new: &[u8],
) -> Result<Replaced, EditFault> {
    let before = fs::metadata(path).map_err(EditFault::Find)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&before) > 1 {
        return Err(EditFault::HardLink);
    }
    remove_left_over(path);
    let mut temporary = Temporary::make(path)?;
    temporary.fill(new, &before)?;

    // Somebody may be editing who knows of no lock. What happens from here to the renaming is lost;
    // that is microseconds.
    if input::read_file(path).ok().is_none_or(|now| *now != *old) {
        return Ok(Replaced::Changed);
    }
    fs::rename(&temporary.path, path).map_err(EditFault::Rename)?;
    temporary.is_renamed = true;
    match sync_folder(path) {
        Ok(()) => Ok(Replaced::Done),
        Err(error) => Ok(Replaced::Unsynced(error.to_string())),
    }
}

/// Makes a new file, for its owner alone, unless there is one of this name.
pub(in crate::store::yaml) fn create(path: &Path, text: &[u8]) -> Result<(), EditFault> {
    let mut file = exclusive(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => EditFault::Exists,
        _ => EditFault::Make(error),
    })?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    written.and_then(|()| sync_folder(path)).map_err(|error| {
        let _ = fs::remove_file(path);
        EditFault::Write(error)
    })
}

fn exclusive(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Folders can be opened, and written out, on Unix alone.
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

/// A file beside another, removed unless it takes its place.
struct Temporary {
    path: PathBuf,
    file: File,
    is_renamed: bool,
}

impl Temporary {
    fn make(path: &Path) -> Result<Self, EditFault> {
        let path = beside(path, &format!(".{}{TEMPORARY}", std::process::id()));
        let file = exclusive(&path).map_err(EditFault::Make)?;
        Ok(Self { path, file, is_renamed: false })
    }

    /// Writes it out, and gives it the owner and the mode of the file that it is to replace: the mode
    /// last, so that it is never open to more people than that one.
    fn fill(&self, text: &[u8], before: &Metadata) -> Result<(), EditFault> {
        let mut file = &self.file;
        file.write_all(text).map_err(EditFault::Write)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let ours = file.metadata().map_err(EditFault::Write)?;
            if (ours.uid(), ours.gid()) != (before.uid(), before.gid()) {
                std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()))
                    .map_err(EditFault::Owner)?;
            }
        }
        file.set_permissions(before.permissions()).map_err(EditFault::Write)?;
        file.sync_all().map_err(EditFault::Write)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes what killed processes have left: whoever has the lock knows that nobody else needs it.
fn remove_left_over(path: &Path) {
    let begin = beside(path, ".");
    let begin = begin.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in fs::read_dir(folder(path)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let between = name.strip_prefix(&*begin).and_then(|rest| rest.strip_suffix(TEMPORARY));
        if between.is_some_and(|pid| pid.parse::<u32>().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
