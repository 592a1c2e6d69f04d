//! A file in a temporary folder, and the faults that it can have.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::folder::shared_folder;
use crate::recovering::faults::Fault;
use crate::this_program;

/// A temporary folder, and the file in it that a store reads.
pub(crate) struct Folder {
    root: TempDir,
    path: PathBuf,
    saved: Vec<u8>,
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let root = shared_folder();
        let folder = root.path().join("folder");
        fs::create_dir(&folder).expect("a folder can be made");
        Self { root, path: folder.join(name), saved: Vec::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    fn away(&self) -> PathBuf {
        self.root.path().join("away")
    }

    /// Causes a fault of the file or its folder. Returns `false` for any other fault.
    pub(crate) fn make(&mut self, fault: Fault) -> bool {
        match fault {
            Fault::Rights => set_mode(&self.path, 0o000),
            Fault::Folder => set_mode(self.folder(), 0o000),
            Fault::Missing => fs::rename(&self.path, self.away()).unwrap(),
            Fault::Empty => self.overwrite(b""),
            Fault::Garbage => self.overwrite(&b"\0: neither keys nor a database\n".repeat(400)),
            _ => return false,
        }
        true
    }

    pub(crate) fn repair(&self, fault: Fault) {
        match fault {
            Fault::Rights => set_mode(&self.path, 0o600),
            Fault::Folder => set_mode(self.folder(), 0o700),
            Fault::Missing => fs::rename(self.away(), &self.path).unwrap(),
            // Overwrites the existing file, as `cp` does.
            _ => fs::write(&self.path, &self.saved).unwrap(),
        }
    }

    pub(crate) fn overwrite(&mut self, bytes: &[u8]) {
        self.saved = fs::read(&self.path).unwrap();
        fs::write(&self.path, bytes).unwrap();
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns whether file modes restrict this process. They do not restrict root: as root, this runs the named test again
/// as `nobody`, and returns `false`.
pub(crate) fn is_bound_by_modes(module: &str, test: &str) -> bool {
    const NOBODY: u32 = 65_534;
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        return true;
    }
    let mut command = this_program::command(module, test);
    command.uid(NOBODY).gid(NOBODY).current_dir("/");
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{output:?}");
    false
}
