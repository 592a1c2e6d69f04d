use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{CLIENT, FORMAT, KEY, REFUSED, Refused};
use crate::mark::Mark;
use crate::profile::ClientProfile;
use crate::record::KeyState;
use crate::store::sql::{metadata_text, quota_text};
use crate::store::table::{Row, Table};

/// Notes that the copy is as good as one of this time.
pub(super) fn touch(path: &Path, contact: SystemTime) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_modified(contact)
}

/// Puts the copy into its place in one step.
pub(super) fn write(
    path: &Path,
    table: &Table,
    refused: &Refused,
    contact: SystemTime,
) -> io::Result<()> {
    let mut temporary = OsString::from(path);
    temporary.push(".keygate-tmp");
    let temporary = PathBuf::from(temporary);
    // What is there was left by a process that died; a link there would lead elsewhere.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = fill(&temporary, table, refused, contact);
    let placed = written.and_then(|()| fs::rename(&temporary, path));
    if placed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    placed
}

fn fill(path: &Path, table: &Table, refused: &Refused, contact: SystemTime) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let mut output = Output { file: BufWriter::new(&file), sum: Sha256::new() };
    output.all(table, refused)?;
    let Output { file: mut buffer, sum } = output;
    buffer.write_all(&sum.finalize())?;
    buffer.flush()?;
    drop(buffer);
    file.set_modified(contact)?;
    file.sync_all()
}

struct Output<'a> {
    file: BufWriter<&'a File>,
    sum: Sha256,
}

impl Output<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.file.write_all(bytes)
    }

    fn all(&mut self, table: &Table, refused: &Refused) -> io::Result<()> {
        let mut count = 0_u64;
        table.for_each(|_, _| count += 1);
        self.put(format!("{FORMAT} {count}\n").as_bytes())?;
        let mut clients = HashMap::new();
        let mut written = Ok(());
        table.for_each(|row, mark| {
            if written.is_ok() {
                written = self.key(row, mark, &mut clients);
            }
        });
        written?;
        for digest in refused {
            self.put(&[REFUSED])?;
            self.put(&digest.to_bytes())?;
        }
        Ok(())
    }

    fn key(&mut self, row: &Row, mark: Mark, clients: &mut HashMap<usize, u32>) -> io::Result<()> {
        let next = u32::try_from(clients.len()).map_err(io::Error::other)?;
        let client = *clients.entry(row.profile.address()).or_insert(next);
        if client == next {
            self.client(&row.profile)?;
        }
        let state = match mark.state() {
            KeyState::Active => 0,
            KeyState::Disabled => 1,
            KeyState::Revoked => 2,
        };
        let expires = mark.expires().map_or(0, |expires| {
            let since = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX - 1) + 1
        });
        self.put(&[KEY])?;
        self.put(&row.digest.to_bytes())?;
        self.put(&client.to_le_bytes())?;
        self.put(&[state])?;
        self.put(&expires.to_le_bytes())
    }

    fn client(&mut self, profile: &ClientProfile) -> io::Result<()> {
        let scopes = profile.scopes().iter().map(ToString::to_string).collect::<Vec<_>>();
        let quota = profile.quota().map(quota_text);
        let columns = json!([profile.name(), scopes, quota, metadata_text(profile)]).to_string();
        let length = u32::try_from(columns.len()).map_err(io::Error::other)?;
        self.put(&[CLIENT])?;
        self.put(&length.to_le_bytes())?;
        self.put(columns.as_bytes())
    }
}
