use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::edit_error::EditErrorKind;
use crate::store::folder::Folder;

/// A key file to be edited, with its symbolic links resolved, and its open folder.
pub(in crate::store::yaml) struct Target {
    pub(super) path: PathBuf,
    pub(super) folder: Folder,
    pub(super) name: OsString,
}

impl Target {
    pub(super) fn find(file: &Path) -> Result<Self, EditErrorKind> {
        let path = fs::canonicalize(file).map_err(EditErrorKind::Find)?;
        let folder = Folder::of(&path).map_err(EditErrorKind::Folder)?;
        let name = path.file_name().unwrap_or(OsStr::new("/")).to_owned();
        Ok(Self { path, folder, name })
    }

    pub(in crate::store::yaml) fn open(&self) -> io::Result<File> {
        self.folder.read(&self.name)
    }
}

/// Returns the name of a hidden file in the same folder.
pub(super) fn beside(name: &OsStr, suffix: &str) -> OsString {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(suffix);
    hidden
}
