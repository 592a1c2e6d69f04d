use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A newly created file that only its owner can read.
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    folder: Folder,
    name: OsString,
}

impl NewFile {
    /// Creates a file with this text and syncs it. Never overwrites a file.
    pub(crate) fn write(path: &Path, text: &[u8]) -> Result<Self, Failure> {
        let name = path.file_name().unwrap_or_default().to_owned();
        let folder = folder_of(path)?;
        let file = folder.create(&name).map_err(|error| failed(path, &error))?;
        let new = Self { path: path.to_owned(), folder, name };
        if let Err(error) = new.fill(file, text) {
            let _ = new.remove();
            return Err(failed(path, &error));
        }
        Ok(new)
    }

    /// Fails if the file exists or its folder is missing. Creates nothing.
    pub(crate) fn check(path: &Path) -> Result<(), Failure> {
        folder_of(path)?;
        match path.symlink_metadata() {
            Ok(_) => Err(failed(path, &io::ErrorKind::AlreadyExists.into())),
            Err(_) => Ok(()),
        }
    }

    fn fill(&self, mut file: File, text: &[u8]) -> io::Result<()> {
        file.write_all(text)?;
        file.sync_all()?;
        self.folder.sync()
    }

    /// Removes the file from the folder in which it was created, even if the path leads elsewhere by now.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.folder.remove(&self.name)
    }
}

fn folder_of(path: &Path) -> Result<Folder, Failure> {
    Folder::of(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::unavailable(format!(
            "the folder {} does not exist: create it first; nothing was changed",
            path.parent().unwrap_or(path).display()
        )),
        _ => failed(path, &error),
    })
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::refused(format!(
            "the file {shown} already exists: choose another name; nothing was changed"
        )),
        _ => Failure::unavailable(format!(
            "the file {shown} cannot be written ({error}): choose another one; nothing was changed"
        )),
    }
}

#[cfg(unix)]
use unix::Folder;

#[cfg(not(unix))]
use portable::Folder;

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, Mode, OFlags, fsync, open, openat, unlinkat};
    use rustix::io::Errno;

    /// An open folder.
    pub(super) struct Folder(OwnedFd);

    /// On Linux, this also opens a folder that cannot be listed.
    #[cfg(target_os = "linux")]
    const ACCESS: OFlags = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    const ACCESS: OFlags = OFlags::RDONLY;

    impl Folder {
        pub(super) fn of(path: &Path) -> io::Result<Self> {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let flags = ACCESS | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(Self(open(folder.unwrap_or(Path::new(".")), flags, Mode::empty())?))
        }

        pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?.into())
        }

        pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
            Ok(unlinkat(&self.0, name, AtFlags::empty())?)
        }

        /// Syncs the folder's entries, unless the folder cannot be read.
        pub(super) fn sync(&self) -> io::Result<()> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            match openat(&self.0, c".", flags, Mode::empty()) {
                Err(Errno::ACCESS) => Ok(()),
                folder => Ok(fsync(folder?)?),
            }
        }
    }
}

#[cfg(not(unix))]
mod portable {
    use std::ffi::OsStr;
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::{Path, PathBuf};

    /// A folder, identified by its path.
    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn of(path: &Path) -> io::Result<Self> {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            fs::canonicalize(folder.unwrap_or(Path::new("."))).map(Self)
        }

        pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
            OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
        }

        pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
            fs::remove_file(self.0.join(name))
        }

        /// Does nothing, since folders cannot be synced on this platform.
        pub(super) fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn file_is_removed_from_the_folder_it_was_created_in() {
        let temporary = tempfile::tempdir().unwrap();
        let base = temporary.path();
        for name in ["made", "theirs"] {
            fs::create_dir(base.join(name)).unwrap();
        }
        fs::write(base.join("theirs/key"), "theirs").unwrap();
        let new = NewFile::write(&base.join("made/key"), b"ours").unwrap();
        fs::rename(base.join("made"), base.join("moved")).unwrap();
        symlink("theirs", base.join("made")).unwrap();
        new.remove().unwrap();
        assert_eq!(fs::read_to_string(base.join("theirs/key")).unwrap(), "theirs");
        assert_eq!(fs::read_dir(base.join("moved")).unwrap().count(), 0);
    }
}
