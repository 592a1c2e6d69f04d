//! A key file in a temporary folder, and a store opened from it, with a fixed clock.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::YamlStore;
use tempfile::TempDir;

use crate::folder::shared_folder;
pub(crate) use crate::lettered::{digest, id, key, new};

/// 2026-11-24T10:00:00.6Z, with a fraction of a second, so that cutting it off is visible.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_795_514_400_600)
}

/// A temporary folder that every user may enter.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(shared_folder())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        set_mode(&path, 0o600);
        path
    }

    /// The names of the files in it, sorted.
    pub(crate) fn names(&self) -> Vec<OsString> {
        names_in(self.0.path())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that its owner may not write to is not removed.
        let _ = fs::set_permissions(self.0.path(), fs::Permissions::from_mode(0o700));
    }
}

pub(crate) fn names_in(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode can be changed");
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is there, and text")
}

pub(crate) fn open(path: &Path) -> YamlStore {
    let store = YamlStore::open(path);
    store.unwrap_or_else(|error| panic!("{error}\n{}", read(path))).with_clock(now)
}

/// Replaces `KEY_A`, `DIGEST_A` and `ID_A` by the key, digest and id.
pub(crate) fn fill(text: &str) -> String {
    let mut text = text.to_owned();
    for letter in 'A'..='H' {
        text = text
            .replace(&format!("KEY_{letter}"), &key(letter))
            .replace(&format!("DIGEST_{letter}"), &digest(letter).to_text())
            .replace(&format!("ID_{letter}"), &id(letter).to_string());
    }
    text
}
