use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::Path;

use super::edit_error::EditErrorKind;
use super::lock::Lock;
use super::target::{Target, beside};
use crate::store::folder::Folder;
use crate::store::yaml::read;

const TEMPORARY_SUFFIX: &str = ".keygate-tmp";

/// Outcome of a replacement that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store::yaml) enum Replaced {
    Done,
    /// Not replaced, because the file no longer contains the text that was edited.
    Changed,
    /// Replaced, but the folder could not be synced.
    Unsynced(String),
}

/// Atomically replaces a file that holds `old` with one that holds `new`. The caller holds the lock.
pub(in crate::store::yaml) fn replace(
    target: &Target,
    old: &[u8],
    new: &[u8],
) -> Result<Replaced, EditErrorKind> {
    let before = replaceable(target)?;
    remove_leftovers(target);
    let mut temporary = TemporaryFile::create(target)?;
    temporary.write(new, &before)?;

    // An editor that ignores the lock may have changed the file. A change within the microseconds from here to
    // the renaming is lost.
    if read::read_target(target).ok().is_none_or(|now| *now != *old) {
        return Ok(Replaced::Changed);
    }
    target.folder.rename(&temporary.name, &target.name).map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => EditErrorKind::Mounted,
        _ => EditErrorKind::Rename(error),
    })?;
    temporary.is_renamed = true;
    match target.folder.sync() {
        Ok(()) => Ok(Replaced::Done),
        Err(error) => Ok(Replaced::Unsynced(error.to_string())),
    }
}

/// Checks, without changing anything, that a file could be locked and replaced.
pub(in crate::store::yaml) fn check_writable(file: &Path) -> Result<(), EditErrorKind> {
    let target = Target::find(file)?;
    Lock::check(&target)?;
    replaceable(&target)?;
    target.folder.check_writable().map_err(EditErrorKind::Create)
}

/// Returns the metadata of a file that can be replaced.
fn replaceable(target: &Target) -> Result<Metadata, EditErrorKind> {
    let metadata = target.open().and_then(|file| file.metadata()).map_err(EditErrorKind::Find)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&metadata) > 1 {
        return Err(EditErrorKind::HardLink);
    }
    Ok(metadata)
}

/// Creates a file that only its owner can access, unless the file exists.
pub(in crate::store::yaml) fn create(path: &Path, text: &[u8]) -> Result<(), EditErrorKind> {
    let folder = Folder::of(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            EditErrorKind::NoFolder(path.parent().unwrap_or(path).to_owned())
        }
        _ => EditErrorKind::Folder(error),
    })?;
    let name = path.file_name().unwrap_or_default();
    let mut file = folder.create(name).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => EditErrorKind::Exists,
        _ => EditErrorKind::Create(error),
    })?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    written.and_then(|()| folder.sync()).map_err(|error| {
        let _ = folder.remove(name);
        EditErrorKind::Write(error)
    })
}

/// The new file, removed on drop unless it has replaced the old one.
struct TemporaryFile<'a> {
    folder: &'a Folder,
    name: OsString,
    file: File,
    is_renamed: bool,
}

impl<'a> TemporaryFile<'a> {
    fn create(target: &'a Target) -> Result<Self, EditErrorKind> {
        let name = beside(&target.name, &format!(".{}{TEMPORARY_SUFFIX}", std::process::id()));
        let file = target.folder.create(&name).map_err(EditErrorKind::Create)?;
        Ok(Self { folder: &target.folder, name, file, is_renamed: false })
    }

    /// Writes the text, and copies owner and mode of the old file: the mode last, so that the new file is never
    /// accessible to more users than the old one.
    fn write(&self, text: &[u8], before: &Metadata) -> Result<(), EditErrorKind> {
        let mut file = &self.file;
        file.write_all(text).map_err(EditErrorKind::Write)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let ours = file.metadata().map_err(EditErrorKind::Write)?;
            if (ours.uid(), ours.gid()) != (before.uid(), before.gid()) {
                std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()))
                    .map_err(EditErrorKind::Owner)?;
            }
        }
        file.set_permissions(before.permissions()).map_err(EditErrorKind::Write)?;
        file.sync_all().map_err(EditErrorKind::Write)
    }
}

impl Drop for TemporaryFile<'_> {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = self.folder.remove(&self.name);
        }
    }
}

/// Removes temporary files of killed processes. No other process uses them while the caller holds the lock.
fn remove_leftovers(target: &Target) {
    let prefix = beside(&target.name, ".");
    for name in target.folder.names() {
        if is_temporary(&name, &prefix) {
            let _ = target.folder.remove(&name);
        }
    }
}

fn is_temporary(name: &OsStr, prefix: &OsStr) -> bool {
    let (name, prefix) = (name.to_string_lossy(), prefix.to_string_lossy());
    let process = name.strip_prefix(&*prefix).and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX));
    process.is_some_and(|process| process.parse::<u32>().is_ok())
}
