use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{UntrustedFile, parent};

/// The owner of a file, unknown on this platform.
pub(crate) type Owner = u32;

pub(crate) const ROOT: Owner = 0;

pub(crate) fn owner_of(_: &Metadata) -> Owner {
    ROOT
}

pub(crate) fn require_own_unlinked(file: File, owner: Option<Owner>) -> io::Result<File> {
    require_own(file, owner)
}

pub(crate) fn require_own(file: File, _: Option<Owner>) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(UntrustedFile::NotRegular.into()) }
}

/// A folder, identified by its path. On this platform, a link or pipe that appears after a file was checked and before
/// it is opened goes unnoticed.
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

    pub(crate) fn append(&self, name: &OsStr) -> io::Result<File> {
        self.open(name, OpenOptions::new().read(true).append(true))
    }

    fn open(&self, name: &OsStr, options: &OpenOptions) -> io::Result<File> {
        let path = self.0.join(name);
        let metadata = fs::symlink_metadata(&path)?;
        match metadata.is_symlink() {
            true => Err(UntrustedFile::Link.into()),
            false if !metadata.is_file() => Err(UntrustedFile::NotRegular.into()),
            false => options.open(path),
        }
    }

    /// Cannot be asked on this platform.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on other platforms")]
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        Ok(())
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

    /// Does nothing: this platform cannot sync folders.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
