use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{CLIENT, FORMAT, KEY, REFUSED, Refused, Sum, contact};
use crate::mark::Mark;
use crate::profile::ClientProfile;
use crate::record::KeyState;
use crate::store::sql::{metadata_text, quota_text};
use crate::store::table::{Row, Table};

/// Notes that the copy is as good as one of this time, if it is the one that ends with this.
///
/// Another may be there: one that another process wrote, which may lack what this one knows.
pub(super) fn touch(path: &Path, contact: SystemTime, sum: Sum) -> io::Result<bool> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let end = file.metadata()?.len().checked_sub(size_of::<Sum>() as u64);
    let mut stated = Sum::default();
    if let Some(end) = end {
        file.seek(SeekFrom::Start(end))?;
        file.read_exact(&mut stated)?;
    }
    if stated != sum {
        return Ok(false);
    }
    contact::note(&file, contact, sum)?;
    Ok(true)
}

/// Puts the copy into its place in one step, and says what it ends with.
pub(super) fn write(
    path: &Path,
    place: &str,
    table: &Table,
    refused: &Refused,
    contact: SystemTime,
) -> io::Result<Sum> {
    remove_old(path);
    let temporary = temporary(path)?;
    let filled = fill(&temporary, place, table, refused, contact);
    let placed = filled.and_then(|sum| fs::rename(&temporary, path).map(|()| sum));
    if placed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    placed
}

const TEMPORARY: &str = ".keygate-tmp-";

/// Nobody writes for as long.
const OLD: Duration = Duration::from_secs(60 * 60);

/// A name of its own, since many instances may write to one place.
fn temporary(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut temporary = OsString::from(path);
    temporary.push(format!("{TEMPORARY}{:016x}", u64::from_le_bytes(random)));
    Ok(temporary.into())
}

/// What processes have left that died. Whatever goes wrong here is met when the copy is written.
fn remove_old(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let begin = format!("{}{TEMPORARY}", name.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(&begin);
        let modified = || entry.metadata()?.modified();
        let is_old = || modified().is_ok_and(|at| at.elapsed().is_ok_and(|since| since > OLD));
        if is_ours && is_old() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn fill(
    path: &Path,
    place: &str,
    table: &Table,
    refused: &Refused,
    contact: SystemTime,
) -> io::Result<Sum> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let mut output = Output { file: BufWriter::new(&file), sum: Sha256::new() };
    output.put(FORMAT.as_bytes())?;
    output.file.seek(SeekFrom::Start(contact::END))?;
    output.all(place, table, refused)?;
    let Output { file: mut buffer, sum } = output;
    let sum = Sum::from(sum.finalize());
    buffer.write_all(&sum)?;
    buffer.flush()?;
    drop(buffer);
    contact::note(&file, contact, sum)?;
    file.sync_all()?;
    Ok(sum)
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

    fn all(&mut self, place: &str, table: &Table, refused: &Refused) -> io::Result<()> {
        let mut count = 0_u64;
        table.for_each(|_, _| count += 1);
        self.put(&count.to_le_bytes())?;
        self.put(format!("{place}\n").as_bytes())?;
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
