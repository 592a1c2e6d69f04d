use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{
    Access, AtFlags, Dir, Mode, OFlags, accessat, fstat, fsync, open, openat, renameat, stat,
    unlinkat,
};
use rustix::io::Errno;

use super::{UntrustedFile, parent};

/// The id of the user that owns a file.
pub(crate) type Owner = u32;

pub(crate) const ROOT: Owner = 0;

pub(crate) fn owner_of(file: &Metadata) -> Owner {
    file.uid()
}

/// Checks that this is a regular file, and that the user of this process or `owner` owns it.
///
/// # Errors
///
/// The file [is untrusted](super::is_untrusted).
pub(crate) fn require_own(file: File, owner: Option<Owner>) -> io::Result<File> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(UntrustedFile::NotRegular.into());
    }
    if !is_own(&metadata) && owner != Some(metadata.uid()) {
        return Err(UntrustedFile::Owner(metadata.uid()).into());
    }
    Ok(file)
}

/// Checks the same as [`require_own`], and that the file has no other hard link, whose content a write would change,
/// too.
pub(crate) fn require_own_unlinked(file: File, owner: Option<Owner>) -> io::Result<File> {
    let file = require_own(file, owner)?;
    // A file that was removed meanwhile has no links.
    if file.metadata()?.nlink() > 1 { Err(UntrustedFile::HardLink.into()) } else { Ok(file) }
}

/// Returns whether the user of this process owns a file.
pub(crate) fn is_own(file: &Metadata) -> bool {
    file.uid() == rustix::process::geteuid().as_raw()
}

/// An open folder.
pub(crate) struct Folder(OwnedFd);

/// On Linux, the folder does not have to be readable.
#[cfg(target_os = "linux")]
const ACCESS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const ACCESS: OFlags = OFlags::RDONLY;

impl Folder {
    /// Opens the folder of a file.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let flags = ACCESS | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(open(parent(path), flags, Mode::empty())?))
    }

    /// Returns whether the path still leads to this folder.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        let Ok(ours) = fstat(&self.0) else { return false };
        stat(parent(path)).is_ok_and(|now| (now.st_dev, now.st_ino) == (ours.st_dev, ours.st_ino))
    }

    /// Creates a file that only its owner can access.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        self.open(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// Opens a file for reading, without following a link or blocking on a pipe.
    pub(crate) fn read(&self, name: &OsStr) -> io::Result<File> {
        self.open(name, OFlags::RDONLY)
    }

    /// Opens a file as [`Folder::read`] does, for reading and writing.
    pub(crate) fn write(&self, name: &OsStr) -> io::Result<File> {
        self.open(name, OFlags::RDWR)
    }

    /// Opens a file as [`Folder::read`] does, for reading and appending.
    pub(crate) fn append(&self, name: &OsStr) -> io::Result<File> {
        self.open(name, OFlags::RDWR | OFlags::APPEND)
    }

    fn open(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => Ok(file.into()),
            // Linux and FreeBSD differ.
            Err(Errno::LOOP | Errno::MLINK) => Err(UntrustedFile::Link.into()),
            // A socket, or a pipe.
            Err(Errno::NXIO) => Err(UntrustedFile::NotRegular.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Checks that files can be created and replaced in the folder.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        match accessat(&self.0, c".", access, AtFlags::EACCESS) {
            // Old kernels only check for the real user.
            Err(Errno::NOSYS) => Ok(()),
            checked => Ok(checked?),
        }
    }

    /// Renames a file, replacing a file with the new name.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// Removes a file, or a link.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Returns the names in the folder, or none if it cannot be read.
    pub(crate) fn names(&self) -> Vec<OsString> {
        let entries = self.readable().and_then(Dir::new).into_iter().flatten().flatten();
        entries.map(|entry| OsStr::from_bytes(entry.file_name().to_bytes()).to_owned()).collect()
    }

    /// Syncs the entries of the folder to the disk. Does nothing if the folder cannot be read.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.readable() {
            Err(Errno::ACCESS) => Ok(()),
            folder => Ok(fsync(folder?)?),
        }
    }

    fn readable(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&self.0, c".", flags, Mode::empty())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn open_folder_is_used_after_its_path_changes() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path();
        let (path, moved) = (base.join("a/file"), base.join("b"));
        fs::create_dir(base.join("a")).unwrap();
        let folder = Folder::of(&path).unwrap();
        fs::rename(base.join("a"), &moved).unwrap();
        std::os::unix::fs::symlink("elsewhere", base.join("a")).unwrap();
        fs::create_dir(base.join("elsewhere")).unwrap();
        fs::write(base.join("elsewhere/file"), "theirs").unwrap();

        assert!(!folder.is_of(&path) && folder.is_of(&moved.join("file")));
        folder.create("file".as_ref()).unwrap();
        folder.rename("file".as_ref(), "other".as_ref()).unwrap();
        assert_eq!(fs::read_dir(&moved).unwrap().count(), 1);
        folder.remove("other".as_ref()).unwrap();
        assert_eq!(fs::read_dir(&moved).unwrap().count(), 0);
        assert_eq!(fs::read_to_string(base.join("elsewhere/file")).unwrap(), "theirs");
    }
}
