use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use keygate::KeyDigest;
use tempfile::TempDir;

use super::keys::{key, name};

const KEYS_PER_CLIENT: u64 = 10;

/// A key file in a temporary folder, as the tool writes it.
pub(crate) struct KeyFile {
    _folder: TempDir,
    path: PathBuf,
    size: u64,
}

impl KeyFile {
    /// With the digests of the keys below `size`.
    pub(crate) fn new(size: u64) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = Self { path: folder.path().join("keys.yml"), _folder: folder, size };
        file.write()?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A client from the middle of the file.
    pub(crate) fn client(&self) -> String {
        name(self.size / KEYS_PER_CLIENT / 2)
    }

    fn write(&self) -> io::Result<()> {
        let mut file = BufWriter::new(File::create_new(&self.path)?);
        writeln!(file, "version: 1\nclients:")?;
        for number in 0..self.size {
            if number % KEYS_PER_CLIENT == 0 {
                writeln!(file, "  {}:\n    keys:", name(number / KEYS_PER_CLIENT))?;
            }
            writeln!(file, "      - digest: {}", KeyDigest::of(&key(number)).to_text())?;
            writeln!(file, "        label: key {number}\n        created: 2026-11-23T10:00:00Z")?;
        }
        file.flush()
    }
}
