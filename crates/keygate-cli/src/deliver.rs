use std::io::{self, Write as _};
use std::path::Path;

use keygate::ApiKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::output::{Output, unwritable};

/// A key that was written out. It does not work until the store has it.
pub(crate) enum Delivery {
    Printed,
    Filed {
        file: NewFile,
        facts: Map<String, Value>,
    },
    /// In a dry run, no key is written out, and there is no key ID.
    DryRun {
        facts: Map<String, Value>,
    },
}

impl Delivery {
    /// Writes the key to `file` or to standard output, and syncs it. This is the only place where the tool shows a key.
    pub(crate) fn write(
        key: &ApiKey,
        facts: Map<String, Value>,
        file: Option<&Path>,
        out: &Output,
    ) -> Result<Self, Failure> {
        if let Some(path) = file {
            return Ok(Self::Filed { file: NewFile::write(path, text(key).as_bytes())?, facts });
        }
        let line = if out.is_json() { object(key, &facts) } else { text(key) };
        print(&line)
            .map_err(|error| Failure::unavailable(unwritable(&error) + "; nothing was changed"))?;
        Ok(Self::Printed)
    }

    /// Checks that `file` can be created, without creating it.
    pub(crate) fn dry_run(
        mut facts: Map<String, Value>,
        file: Option<&Path>,
    ) -> Result<Self, Failure> {
        if let Some(path) = file {
            NewFile::check(path)?;
            facts.insert("out".to_owned(), path.display().to_string().into());
        }
        facts.insert("key_id".to_owned(), Value::Null);
        Ok(Self::DryRun { facts })
    }

    /// Reports that the store has the key.
    pub(crate) fn complete(self, note: &str, out: &Output) -> Result<(), Failure> {
        match self {
            Self::Printed => {
                out.note(note);
                Ok(())
            }
            Self::DryRun { facts } => out.report_change(note, &facts.into()),
            Self::Filed { file, mut facts } => {
                let path = file.path.display().to_string();
                let note = format!("{note}; the key is in the file {path}");
                facts.insert("out".to_owned(), path.into());
                out.report_change(&note, &facts.into())
            }
        }
    }

    /// Removes the file of a key that the store refused, or says that the printed key is not valid.
    pub(crate) fn withdraw(self, failure: Failure) -> Failure {
        match self {
            Self::DryRun { .. } => failure,
            Self::Printed => failure.and("; the printed key is not valid: discard it"),
            Self::Filed { file, .. } => match file.remove() {
                Ok(()) => failure,
                Err(_) => failure.and("; the key in the file is not valid: remove the file"),
            },
        }
    }
}

fn text(key: &ApiKey) -> Zeroizing<String> {
    [key.expose(), "\n"].concat().into()
}

/// Formats the values as a JSON object that begins with the key. A generated key needs no escaping, and a `Value` would
/// leave a copy of it in memory.
fn object(key: &ApiKey, facts: &Map<String, Value>) -> Zeroizing<String> {
    let facts = Value::from(facts.clone()).to_string();
    ["{\"key\":\"", key.expose(), "\",", &facts[1..], "\n"].concat().into()
}

fn print(line: &str) -> io::Result<()> {
    #[cfg(unix)]
    let target = unix::target_of_stdout()?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()?;
    // Some file systems report that they are full only at this point. A pipe cannot be synced.
    #[cfg(unix)]
    if target.metadata()?.is_file() {
        target.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    /// Returns standard output, or an error if it is the null device. Rust opens the null device if standard output is
    /// closed, and a key that is written there is lost without an error.
    pub(super) fn target_of_stdout() -> io::Result<File> {
        let target = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let metadata = target.metadata()?;
        let is_null = metadata.file_type().is_char_device()
            && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev());
        if is_null {
            return Err(io::Error::other("it is closed or /dev/null, so the key would be lost"));
        }
        Ok(target)
    }
}
