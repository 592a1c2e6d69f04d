use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Lock;
use super::fault::EditFault;
use crate::store::folder::Folder;
use crate::store::mount;
use crate::store::yaml::report::YamlEvent;

/// A key file that is to be edited, behind any links, in its open folder.
pub(in crate::store::yaml) struct Target {
    pub(super) path: PathBuf,
    pub(super) folder: Folder,
    pub(super) name: OsString,
}

impl Target {
    /// Finds the file and acquires its lock.
    pub(in crate::store::yaml) fn lock(
        file: &Path,
        waits: &dyn Fn(YamlEvent),
    ) -> Result<(Self, Lock), EditFault> {
        loop {
            let target = Self::find(file)?;
            if mount::is_mount_point(&target.path) {
                return Err(EditFault::Mounted);
            }
            let lock = Lock::acquire(&target, waits)?;
            // The links may lead elsewhere since we began to wait, and the folder may be another.
            let now = fs::canonicalize(file).map_err(EditFault::Find)?;
            if now == target.path && target.folder.is_of(&target.path) {
                return Ok((target, lock));
            }
        }
    }

    fn find(file: &Path) -> Result<Self, EditFault> {
        let path = fs::canonicalize(file).map_err(EditFault::Find)?;
        let folder = Folder::of(&path).map_err(EditFault::Folder)?;
        let name = path.file_name().unwrap_or(OsStr::new("/")).to_owned();
        Ok(Self { path, folder, name })
    }

    pub(in crate::store::yaml) fn open(&self) -> io::Result<File> {
        self.folder.read(&self.name)
    }
}
