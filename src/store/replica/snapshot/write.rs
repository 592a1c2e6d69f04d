use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{CLIENT, FORMAT, KEY, REFUSED, Refused, Sum, contact};
use crate::client::ClientProfile;
use crate::key::{KeyState, PackedStatus, Timestamp};
use crate::store::folder::{Folder, is_foreign, own_alone};
use crate::store::sql::{metadata_text, quota_text};
use crate::store::table::{Row, Table};

/// Notes that the copy is as good as one of this time, if it is the one that ends with this.
///
/// Another may be there: one that another process wrote, which may lack what this one knows.
pub(super) fn touch(path: &Path, contact: SystemTime, sum: Sum) -> io::Result<bool> {
    let (folder, name) = locate(path)?;
    let mut file = match folder.write(name).and_then(|file| own_alone(file, None)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_foreign(&error) => {
            return Ok(false);
        }
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
    let (folder, name) = locate(path)?;
    remove_old(&folder, name);
    let temporary = temporary(name)?;
    let file = folder.create(&temporary)?;
    let filled = fill(&file, place, table, refused, contact);
    let placed = filled.and_then(|sum| folder.rename(&temporary, name).map(|()| sum));
    if placed.is_err() {
        let _ = folder.remove(&temporary);
    }
    placed
}

fn locate(path: &Path) -> io::Result<(Folder, &OsStr)> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    Ok((Folder::of(path)?, name))
}

const TEMPORARY: &str = ".keygate-tmp-";

/// Nobody writes for as long.
const OLD: Duration = Duration::from_secs(60 * 60);

/// A name of its own, since many instances may write to one place.
fn temporary(name: &OsStr) -> io::Result<OsString> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut temporary = name.to_owned();
    temporary.push(format!("{TEMPORARY}{:016x}", u64::from_le_bytes(random)));
    Ok(temporary)
}

/// What processes have left that died. Whatever goes wrong here is met when the copy is written.
fn remove_old(folder: &Folder, name: &OsStr) {
    let begin = format!("{}{TEMPORARY}", name.to_string_lossy());
    for name in folder.names() {
        let is_ours = name.to_string_lossy().starts_with(&begin);
        let modified = || folder.read(&name)?.metadata()?.modified();
        let is_old = || modified().is_ok_and(|at| at.elapsed().is_ok_and(|since| since > OLD));
        if is_ours && is_old() {
            let _ = folder.remove(&name);
        }
    }
}

fn fill(
    file: &File,
    place: &str,
    table: &Table,
    refused: &Refused,
    contact: SystemTime,
) -> io::Result<Sum> {
    let mut output = Output { file: BufWriter::new(file), sum: Sha256::new() };
    output.put(FORMAT.as_bytes())?;
    output.file.seek(SeekFrom::Start(contact::END))?;
    output.all(place, table, refused)?;
    let Output { file: mut buffer, sum } = output;
    let sum = Sum::from(sum.finalize());
    buffer.write_all(&sum)?;
    buffer.flush()?;
    drop(buffer);
    contact::note(file, contact, sum)?;
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

    fn key(
        &mut self,
        row: &Row,
        mark: PackedStatus,
        clients: &mut HashMap<usize, u32>,
    ) -> io::Result<()> {
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
            // A table holds no others.
            Timestamp::try_from(expires).map_or(u64::MAX, |expires| expires.micros() + 1)
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

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::UNIX_EPOCH;

    use super::super::read::read;
    use super::*;
    use crate::store::table::Build;

    const PLACE: &str = "a database";

    /// A folder with a snapshot of no keys, its path, and what it ends with.
    fn fixture(name: &str) -> (std::path::PathBuf, Sum) {
        let folder = std::env::temp_dir().join(format!("keygate-{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("snapshot");
        let sum = write_empty(&path);
        (path, sum)
    }

    fn write_empty(path: &Path) -> Sum {
        write(path, PLACE, &Build::new(0).finish(), &Refused::new(), UNIX_EPOCH).unwrap()
    }

    #[test]
    fn links_in_the_place_of_a_snapshot_are_not_written_to() {
        let (path, sum) = fixture("snapshot-links");
        let target = path.with_file_name("target");
        let now = SystemTime::now();
        assert!(touch(&path, now, sum).unwrap());
        for link in [symlink, fs::hard_link] as [fn(_, _) -> _; 2] {
            let text = fs::read(&path).unwrap();
            fs::rename(&path, &target).unwrap();
            link(&target, &path).unwrap();
            assert!(!touch(&path, now + Duration::from_secs(1), sum).unwrap());
            write_empty(&path);
            assert_eq!(fs::read(&target).unwrap(), text);
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
        }
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn snapshot_that_somebody_else_prepared_is_not_read() {
        let (path, _) = fixture("snapshot-foreign");
        read(&path, PLACE).unwrap();
        let why = |path: &Path| read(path, PLACE).err().unwrap().to_string();
        let link = path.with_file_name("link");
        symlink(&path, &link).unwrap();
        assert_eq!(why(&link), "it is a symbolic link");
        let pipe = path.with_file_name("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(why(&pipe), "it is not a regular file");
        // Others than root cannot make a file of somebody else.
        match std::os::unix::fs::chown(&path, Some(12_345), None) {
            Ok(()) => assert_eq!(why(&path), "it belongs to user 12345"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
