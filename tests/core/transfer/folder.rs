use std::fs;
use std::path::PathBuf;

use keygate::YamlStore;
use tempfile::TempDir;

/// A temporary folder for key files.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn empty_file(&self, name: &str) -> YamlStore {
        YamlStore::create(self.path(name)).unwrap()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> YamlStore {
        fs::write(self.path(name), text).unwrap();
        YamlStore::open(self.path(name)).unwrap()
    }
}
