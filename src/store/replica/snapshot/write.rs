use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::contact;
use super::format::{CLIENT, Checksum, FORMAT, KEY, REFUSED, RefusedDigests};
use crate::client::ClientProfile;
use crate::key::{KeyState, PackedStatus, Timestamp};
use crate::store::folder::{Folder, is_untrusted, require_own_unlinked};
use crate::store::sql::{metadata_text, quota_text};
use crate::store::table::{Row, Table};

/// Updates the time of the last contact if the file has this checksum, and returns whether it has.
///
/// Otherwise another process wrote the file, and may have missed changes.
pub(super) fn update_contact(
    path: &Path,
    contact: SystemTime,
    checksum: Checksum,
) -> io::Result<bool> {
    let (folder, name) = locate(path)?;
    let mut file = match folder.write(name).and_then(|file| require_own_unlinked(file, None)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_untrusted(&error) => {
            return Ok(false);
        }
        file => file?,
    };
    let end = file.metadata()?.len().checked_sub(size_of::<Checksum>() as u64);
    let mut stored = Checksum::default();
    if let Some(end) = end {
        file.seek(SeekFrom::Start(end))?;
        file.read_exact(&mut stored)?;
    }
    if stored != checksum {
        return Ok(false);
    }
    contact::write_contact(&file, contact, checksum)?;
    Ok(true)
}

/// Writes the snapshot, replaces the file atomically, and returns its checksum.
pub(super) fn write(
    path: &Path,
    database: &str,
    table: &Table,
    refused: &RefusedDigests,
    contact: SystemTime,
) -> io::Result<Checksum> {
    let (folder, name) = locate(path)?;
    remove_stale(&folder, name);
    let temporary = temporary(name)?;
    let file = folder.create(&temporary)?;
    let written = write_contents(&file, database, table, refused, contact);
    let replaced = written.and_then(|checksum| folder.rename(&temporary, name).map(|()| checksum));
    if replaced.is_err() {
        let _ = folder.remove(&temporary);
    }
    replaced
}

fn locate(path: &Path) -> io::Result<(Folder, &OsStr)> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    Ok((Folder::of(path)?, name))
}

const TEMPORARY: &str = ".keygate-tmp-";

/// A temporary file of this age belongs to no running write.
const STALE: Duration = Duration::from_secs(60 * 60);

/// Returns a random name, since several instances may share a path.
fn temporary(name: &OsStr) -> io::Result<OsString> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut temporary = name.to_owned();
    temporary.push(format!("{TEMPORARY}{:016x}", u64::from_le_bytes(random)));
    Ok(temporary)
}

/// Removes temporary files of crashed processes. An error here shows up again when the snapshot is written.
fn remove_stale(folder: &Folder, name: &OsStr) {
    let prefix = format!("{}{TEMPORARY}", name.to_string_lossy());
    for name in folder.names() {
        let is_ours = name.to_string_lossy().starts_with(&prefix);
        let modified = || folder.read(&name)?.metadata()?.modified();
        let is_stale = || modified().is_ok_and(|at| at.elapsed().is_ok_and(|since| since > STALE));
        if is_ours && is_stale() {
            let _ = folder.remove(&name);
        }
    }
}

fn write_contents(
    file: &File,
    database: &str,
    table: &Table,
    refused: &RefusedDigests,
    contact: SystemTime,
) -> io::Result<Checksum> {
    let mut writer = Writer { file: BufWriter::new(file), hasher: Sha256::new() };
    writer.write(FORMAT.as_bytes())?;
    writer.file.seek(SeekFrom::Start(contact::END))?;
    writer.write_body(database, table, refused)?;
    let Writer { file: mut buffer, hasher } = writer;
    let checksum = Checksum::from(hasher.finalize());
    buffer.write_all(&checksum)?;
    buffer.flush()?;
    drop(buffer);
    contact::write_contact(file, contact, checksum)?;
    file.sync_all()?;
    Ok(checksum)
}

struct Writer<'a> {
    file: BufWriter<&'a File>,
    hasher: Sha256,
}

impl Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes)
    }

    fn write_body(
        &mut self,
        database: &str,
        table: &Table,
        refused: &RefusedDigests,
    ) -> io::Result<()> {
        let mut count = 0_u64;
        table.for_each(|_, _| count += 1);
        self.write(&count.to_le_bytes())?;
        self.write(format!("{database}\n").as_bytes())?;
        let mut clients = HashMap::new();
        let mut result = Ok(());
        table.for_each(|row, status| {
            if result.is_ok() {
                result = self.write_key(row, status, &mut clients);
            }
        });
        result?;
        for digest in refused {
            self.write(&[REFUSED])?;
            self.write(&digest.to_bytes())?;
        }
        Ok(())
    }

    fn write_key(
        &mut self,
        row: &Row,
        status: PackedStatus,
        clients: &mut HashMap<usize, u32>,
    ) -> io::Result<()> {
        let next = u32::try_from(clients.len()).map_err(io::Error::other)?;
        let client = *clients.entry(row.profile.address()).or_insert(next);
        if client == next {
            self.write_client(&row.profile)?;
        }
        let state = match status.state() {
            KeyState::Active => 0,
            KeyState::Disabled => 1,
            KeyState::Revoked => 2,
        };
        let expires = status.expires().map_or(0, |expires| {
            // All times in a table are in range.
            Timestamp::try_from(expires).map_or(u64::MAX, |expires| expires.micros() + 1)
        });
        self.write(&[KEY])?;
        self.write(&row.digest.to_bytes())?;
        self.write(&client.to_le_bytes())?;
        self.write(&[state])?;
        self.write(&expires.to_le_bytes())
    }

    fn write_client(&mut self, profile: &ClientProfile) -> io::Result<()> {
        let scopes = profile.scopes().iter().map(ToString::to_string).collect::<Vec<_>>();
        let quota = profile.quota().map(quota_text);
        let columns = json!([profile.name(), scopes, quota, metadata_text(profile)]).to_string();
        let length = u32::try_from(columns.len()).map_err(io::Error::other)?;
        self.write(&[CLIENT])?;
        self.write(&length.to_le_bytes())?;
        self.write(columns.as_bytes())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::UNIX_EPOCH;

    use super::super::read::read_snapshot;
    use super::*;
    use crate::store::table::TableBuilder;

    const DATABASE: &str = "a database";

    fn write_empty(path: &Path) -> Checksum {
        write(path, DATABASE, &TableBuilder::new(0).finish(), &RefusedDigests::new(), UNIX_EPOCH)
            .unwrap()
    }

    #[test]
    fn link_in_place_of_a_snapshot_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        let checksum = write_empty(&path);
        let target = path.with_file_name("target");
        let now = SystemTime::now();
        assert!(update_contact(&path, now, checksum).unwrap());
        for link in [symlink, fs::hard_link] as [fn(_, _) -> _; 2] {
            let text = fs::read(&path).unwrap();
            fs::rename(&path, &target).unwrap();
            link(&target, &path).unwrap();
            assert!(!update_contact(&path, now + Duration::from_secs(1), checksum).unwrap());
            write_empty(&path);
            assert_eq!(fs::read(&target).unwrap(), text);
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
        }
    }

    #[test]
    fn snapshot_of_another_user_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        write_empty(&path);
        read_snapshot(&path, DATABASE).unwrap();
        let why = |path: &Path| read_snapshot(path, DATABASE).err().unwrap().to_string();
        let link = path.with_file_name("link");
        symlink(&path, &link).unwrap();
        assert_eq!(why(&link), "it is a symbolic link");
        let pipe = path.with_file_name("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(why(&pipe), "it is not a regular file");
        // Only root can change the owner of a file.
        match std::os::unix::fs::chown(&path, Some(12_345), None) {
            Ok(()) => assert_eq!(why(&path), "it belongs to user 12345"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
    }
}
