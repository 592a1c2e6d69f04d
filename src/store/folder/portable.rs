use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{Foreign, parent};

/// Not known here.
pub(crate) type Owner = u32;

pub(crate) const ROOT: Owner = 0;

pub(crate) fn owner_of(_: &Metadata) -> Owner {
    ROOT
}

pub(crate) fn own_alone(file: File, owner: Option<Owner>) -> io::Result<File> {
    own(file, owner)
}

pub(crate) fn own(file: File, _: Option<Owner>) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(Foreign::NotRegular.into()) }
}

/// A folder by its path. Here, links and pipes are looked for before a file is opened, and nobody is kept
/// from putting one there in between.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        fs::canonicalize(parent(path)).map(Self)
    }

    pub(crate) fn is_of(&self, path: &Path) -> bool {
        fs::canonicalize(parent(path)).is_ok_and(|now| now == self.0)
    }

    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
    }

    pub(crate) fn read(&self, name: &OsStr) -> io::Result<File> {
        self.open(name, OpenOptions::new().read(true))
    }

    pub(crate) fn write(&self, name: &OsStr) -> io::Result<File> {
        self.open(name, OpenOptions::new().read(true).write(true))
    }

    fn open(&self, name: &OsStr, options: &OpenOptions) -> io::Result<File> {
        let path = self.0.join(name);
        let metadata = fs::symlink_metadata(&path)?;
        match metadata.is_symlink() {
            true => Err(Foreign::Link.into()),
            false if !metadata.is_file() => Err(Foreign::NotRegular.into()),
            false => options.open(path),
        }
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(crate) fn names(&self) -> Vec<OsString> {
        fs::read_dir(&self.0)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name())
            .collect()
    }

    /// Folders cannot be written out here.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
