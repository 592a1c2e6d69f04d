//! The file of a snapshot, in this order:
//!
//! - [`Header`], which is updated in place;
//! - a line of JSON: the database, and the numbers of clients, restricted keys, keys and refused keys;
//! - a line of JSON for each client: the values of its columns;
//! - a line of JSON for each restricted key: the index of its client, and the values of its columns;
//! - for each key, in the order of the digests: its digest, the index of its client or restricted key in these lines,
//!   its packed status;
//! - the digest of each refused key.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::json;

use super::client;
use super::header::{Checksum, HEADER_BYTES, Header, array, checksum, unusable};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, PackedStatus};
use crate::store::KeyRecord;
use crate::store::folder::{Folder, ROOT, is_untrusted, require_own, require_own_unlinked};
use crate::store::table::{Row, Table, TableBuilder};

type Refused = HashSet<KeyDigest>;

/// The contents of a snapshot.
pub(super) struct Snapshot {
    pub(super) table: Table,
    pub(super) refused: Refused,
    pub(super) clients: usize,
    /// The time of the last contact with the database.
    pub(super) contact: SystemTime,
}

/// Reads a snapshot of this database.
pub(super) fn read(path: &Path, database: &str) -> io::Result<Snapshot> {
    let (folder, name) = locate(path)?;
    // The owner of the file decides which keys are accepted.
    let file = require_own(folder.read(name)?, Some(ROOT))?;
    let truncated = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => unusable("it is truncated"),
        _ => error,
    };
    let Header { contact, checksum: stored } = Header::read(&file).map_err(truncated)?;
    if checksum(&file)? != stored {
        return Err(unusable("its checksum is wrong"));
    }
    (&file).seek(SeekFrom::Start(HEADER_BYTES))?;
    read_rows(&mut BufReader::new(file), database, contact).map_err(truncated)
}

fn read_rows(
    file: &mut BufReader<File>,
    database: &str,
    contact: SystemTime,
) -> io::Result<Snapshot> {
    let (stored, clients, restricted, keys, refused): (String, usize, usize, usize, usize) =
        json_line(file)?;
    if stored != database {
        return Err(unusable(&format!("it belongs to the database {stored}, not {database}")));
    }
    let client = |_| {
        let client = client::from_json(json_line(file)?);
        client.map_err(|row| unusable(&row.to_string()))
    };
    let mut profiles = (0..clients).map(client).collect::<io::Result<Vec<_>>>()?;
    for _ in 0..restricted {
        let profile = read_restricted(json_line(file)?, &profiles[..clients])?;
        profiles.push(profile);
    }
    let (mut table, mut last) = (TableBuilder::new(keys), None);
    for _ in 0..keys {
        let digest = KeyDigest::from_bytes(array(file)?);
        let profile = profiles.get(u32::from_le_bytes(array(file)?) as usize);
        let profile = profile.ok_or_else(|| unusable(NO_CLIENT))?.clone();
        let status = PackedStatus::from_bytes(array(file)?);
        let status = status.ok_or_else(|| unusable("a key has an unknown status"))?;
        if last >= Some(digest.prefix()) {
            return Err(unusable("its keys are not in order"));
        }
        last = Some(digest.prefix());
        table.push(Row { digest, profile }, status);
    }
    let refused = (0..refused).map(|_| Ok(KeyDigest::from_bytes(array(file)?)));
    let refused = refused.collect::<io::Result<_>>()?;
    Ok(Snapshot { table: table.finish(), refused, clients, contact })
}

fn read_restricted(
    (client, key): (usize, Vec<serde_json::Value>),
    clients: &[ClientProfile],
) -> io::Result<ClientProfile> {
    let client = clients.get(client).ok_or_else(|| unusable(NO_CLIENT))?;
    let key = client::key_from_json(key).map_err(|row| unusable(&row.to_string()))?;
    Ok(KeyRecord::of(&key, client, true).profile)
}

const NO_CLIENT: &str = "a key has no client";

fn json_line<T: DeserializeOwned>(file: &mut impl BufRead) -> io::Result<T> {
    let mut line = String::new();
    file.read_line(&mut line)?;
    serde_json::from_str(&line).map_err(|_| unusable("it has a malformed line"))
}

/// Writes the snapshot, replaces the file atomically, and returns its checksum.
pub(super) fn write(
    path: &Path,
    database: &str,
    table: &Table,
    refused: &Refused,
    contact: SystemTime,
) -> io::Result<Checksum> {
    let (folder, name) = locate(path)?;
    remove_stale(&folder, name);
    let temporary = temporary(name)?;
    let file = folder.create(&temporary)?;
    let replace = || {
        (&file).seek(SeekFrom::Start(HEADER_BYTES))?;
        write_rows(&file, database, table, refused)?;
        let checksum = checksum(&folder.read(&temporary)?)?;
        Header { contact, checksum }.write(&file)?;
        file.sync_all()?;
        folder.rename(&temporary, name)?;
        Ok(checksum)
    };
    replace().inspect_err(|_| _ = folder.remove(&temporary))
}

fn write_rows(file: &File, database: &str, table: &Table, refused: &Refused) -> io::Result<()> {
    let (mut keys, mut clients, mut indices) = (0_u64, Vec::new(), HashMap::new());
    let mut restricted = Vec::new();
    table.for_each(|Row { digest, profile }, _| {
        keys += 1;
        let client = *indices.entry(profile.address()).or_insert_with(|| {
            clients.push(profile.client().clone());
            clients.len() - 1
        });
        if profile.restrictions().is_some() {
            let record = KeyRecord {
                digest: *digest,
                profile: profile.clone(),
                status: PackedStatus::CLEAR,
            };
            restricted.push((client, record));
        }
    });
    let mut file = BufWriter::new(file);
    let counts = json!([database, clients.len(), restricted.len(), keys, refused.len()]);
    writeln!(file, "{counts}")?;
    // Restricted keys are sorted by digest, too.
    let mut next_restricted = clients.len()..;
    for client in clients {
        writeln!(file, "{}", client::to_json(client))?;
    }
    for (client, record) in restricted {
        writeln!(file, "{}", json!([client, client::key_to_json(&record.facts())]))?;
    }
    let mut write_key = |Row { digest, profile }: &Row, status: PackedStatus| {
        let index = profile.restrictions().and_then(|_| next_restricted.next());
        let index = index.unwrap_or_else(|| indices[&profile.address()]);
        let client = u32::try_from(index).map_err(io::Error::other)?;
        file.write_all(&digest.to_bytes())?;
        file.write_all(&client.to_le_bytes())?;
        file.write_all(&status.to_bytes())
    };
    let mut written = Ok(());
    table.for_each(|row, status| {
        if written.is_ok() {
            written = write_key(row, status);
        }
    });
    written?;
    for digest in refused {
        file.write_all(&digest.to_bytes())?;
    }
    file.flush()
}

/// Updates the time of the last contact, if the file has this checksum, and returns the checksum.
///
/// Otherwise another process wrote the file, and may have missed changes.
pub(super) fn update_contact(
    path: &Path,
    contact: SystemTime,
    checksum: Checksum,
) -> io::Result<Option<Checksum>> {
    let (folder, name) = locate(path)?;
    let file = match folder.write(name).and_then(|file| require_own_unlinked(file, None)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_untrusted(&error) => {
            return Ok(None);
        }
        file => file?,
    };
    if !Header::read(&file).is_ok_and(|header| header.checksum == checksum) {
        return Ok(None);
    }
    Header { contact, checksum }.write(&file)?;
    Ok(Some(checksum))
}

fn locate(path: &Path) -> io::Result<(Folder, &OsStr)> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    Ok((Folder::of(path)?, name))
}

const TEMPORARY: &str = ".keygate-tmp-";

/// A temporary file that is older than this belongs to no running write.
const STALE: Duration = Duration::from_secs(60 * 60);

/// Returns a random name, since several instances may share a path.
fn temporary(name: &OsStr) -> io::Result<OsString> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut temporary = name.to_owned();
    temporary.push(format!("{TEMPORARY}{:016x}", u64::from_le_bytes(random)));
    Ok(temporary)
}

/// Removes temporary files of crashed processes. An error here is not reported, since writing the snapshot reports it
/// again.
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

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::store::table::TableBuilder;

    const DATABASE: &str = "a database";

    fn write_empty(path: &Path) -> Checksum {
        write(path, DATABASE, &TableBuilder::new(0).finish(), &Refused::new(), UNIX_EPOCH).unwrap()
    }

    #[test]
    fn symbolic_link_to_a_snapshot_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        let checksum = write_empty(&path);
        let target = path.with_file_name("target");
        let now = SystemTime::now();
        assert_eq!(update_contact(&path, now, checksum).unwrap(), Some(checksum));
        for link in [symlink, fs::hard_link] as [fn(_, _) -> _; 2] {
            let text = fs::read(&path).unwrap();
            fs::rename(&path, &target).unwrap();
            link(&target, &path).unwrap();
            let updated = update_contact(&path, now + Duration::from_secs(1), checksum).unwrap();
            assert_eq!(updated, None);
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
        read(&path, DATABASE).unwrap();
        let why = |path: &Path| read(path, DATABASE).err().unwrap().to_string();
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
