//! A file in a folder of its own, and all that can happen to it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::recovering::faults::Fault;
use crate::this_program;

/// A folder that is removed with all that is in it, and the file in it that a store reads.
pub(crate) struct Folder {
    root: PathBuf,
    path: PathBuf,
    saved: Vec<u8>,
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = format!("keygate-recovering-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(root);
        let _ = fs::remove_dir_all(&root);
        let folder = root.join("folder");
        fs::create_dir_all(&folder).expect("a folder can be made");
        Self { root, path: folder.join(name), saved: Vec::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    fn away(&self) -> PathBuf {
        self.root.join("away")
    }

    /// Makes a fault of files.
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
            // Into the file that is there, as `cp` does.
            _ => fs::write(&self.path, &self.saved).unwrap(),
        }
    }

    pub(crate) fn overwrite(&mut self, bytes: &[u8]) {
        self.saved = fs::read(&self.path).unwrap();
        fs::write(&self.path, bytes).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns whether this process is bound by the modes of files. For root it is not, and so this runs
/// the test of that name again as `nobody`, and says no.
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
