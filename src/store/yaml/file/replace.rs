use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::Path;

use super::fault::EditFault;
use super::{Target, beside};
use crate::store::folder::Folder;
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
/// The caller has the lock.
pub(in crate::store::yaml) fn replace(
    target: &Target,
    old: &[u8],
    new: &[u8],
) -> Result<Replaced, EditFault> {
    let before = target.open().and_then(|file| file.metadata()).map_err(EditFault::Find)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&before) > 1 {
        return Err(EditFault::HardLink);
    }
    remove_left_over(target);
    let mut temporary = Temporary::make(target)?;
    temporary.fill(new, &before)?;

    // Somebody may be editing who knows of no lock. What happens from here to the renaming is lost;
    // that is microseconds.
    if input::read_target(target).ok().is_none_or(|now| *now != *old) {
        return Ok(Replaced::Changed);
    }
    target.folder.rename(&temporary.name, &target.name).map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => EditFault::Mounted,
        _ => EditFault::Rename(error),
    })?;
    temporary.is_renamed = true;
    match target.folder.sync() {
        Ok(()) => Ok(Replaced::Done),
        Err(error) => Ok(Replaced::Unsynced(error.to_string())),
    }
}

/// Makes a new file, for its owner alone, unless there is one of this name.
pub(in crate::store::yaml) fn create(path: &Path, text: &[u8]) -> Result<(), EditFault> {
    let folder = Folder::of(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => EditFault::NoFolder,
        _ => EditFault::Folder(error),
    })?;
    let name = path.file_name().unwrap_or_default();
    let mut file = folder.create(name).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => EditFault::Exists,
        _ => EditFault::Make(error),
    })?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    written.and_then(|()| folder.sync()).map_err(|error| {
        let _ = folder.remove(name);
        EditFault::Write(error)
    })
}

/// A file beside another, removed unless it takes its place.
struct Temporary<'a> {
    folder: &'a Folder,
    name: OsString,
    file: File,
    is_renamed: bool,
}

impl<'a> Temporary<'a> {
    fn make(target: &'a Target) -> Result<Self, EditFault> {
        let name = beside(&target.name, &format!(".{}{TEMPORARY}", std::process::id()));
        let file = target.folder.create(&name).map_err(EditFault::Make)?;
        Ok(Self { folder: &target.folder, name, file, is_renamed: false })
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

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = self.folder.remove(&self.name);
        }
    }
}

/// Removes what killed processes have left: whoever has the lock knows that nobody else needs it.
fn remove_left_over(target: &Target) {
    let begin = beside(&target.name, ".");
    for name in target.folder.names() {
        if is_temporary(&name, &begin) {
            let _ = target.folder.remove(&name);
        }
    }
}

fn is_temporary(name: &OsStr, begin: &OsStr) -> bool {
    let (name, begin) = (name.to_string_lossy(), begin.to_string_lossy());
    let process = name.strip_prefix(&*begin).and_then(|rest| rest.strip_suffix(TEMPORARY));
    process.is_some_and(|process| process.parse::<u32>().is_ok())
}
