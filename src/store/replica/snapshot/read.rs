use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::contact;
use super::format::{CLIENT, Checksum, FORMAT, KEY, REFUSED, RefusedDigests, unusable};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyState, PackedStatus, Timestamp};
use crate::store::folder::{Folder, ROOT, require_own};
use crate::store::sql::profile;
use crate::store::table::{Row, Table, TableBuilder};

/// The contents of a snapshot.
pub(in crate::store::replica) struct Snapshot {
    pub(in crate::store::replica) table: Table,
    pub(in crate::store::replica) refused: RefusedDigests,
    pub(in crate::store::replica) clients: usize,
    /// The time of the last contact with the database.
    pub(in crate::store::replica) contact: SystemTime,
}

/// Reads a snapshot of this database.
pub(in crate::store::replica) fn read_snapshot(
    path: &Path,
    database: &str,
) -> io::Result<Snapshot> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    // The owner of the file decides which keys are accepted.
    let mut file = require_own(Folder::of(path)?.read(name)?, Some(ROOT))?;
    let end = file.metadata()?.len().checked_sub(size_of::<Checksum>() as u64);
    let end = end.filter(|end| *end >= contact::END).ok_or_else(|| unusable("it is truncated"))?;
    let mut format = [0; FORMAT.len()];
    file.read_exact(&mut format)?;
    if format != FORMAT.as_bytes() {
        return Err(unusable("it has another version"));
    }
    let checksum = verify_checksum(&mut file, end - contact::END)?;
    let contact = contact::read_contact(&mut file, checksum)?;
    if contact > SystemTime::now() {
        return Err(unusable("its time is in the future"));
    }
    let body = BufReader::new(file).take(end - contact::END);
    let mut reader = Reader { file: body, clients: Vec::new() };
    let (table, refused) = reader.read_body(end, database)?;
    Ok(Snapshot { table, refused, clients: reader.clients.len(), contact })
}

fn verify_checksum(file: &mut File, body: u64) -> io::Result<Checksum> {
    file.seek(SeekFrom::Start(contact::END))?;
    let mut hasher = Sha256::new_with_prefix(FORMAT);
    let mut buffer = vec![0; 1 << 16];
    let mut input = file.take(body);
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    let mut stored = Checksum::default();
    file.read_exact(&mut stored)?;
    if hasher.finalize()[..] == stored {
        Ok(stored)
    } else {
        Err(unusable("its checksum is wrong"))
    }
}

struct Reader {
    file: io::Take<BufReader<File>>,
    clients: Vec<ClientProfile>,
}

impl Reader {
    fn read_body(&mut self, length: u64, database: &str) -> io::Result<(Table, RefusedDigests)> {
        let count = u64::from_le_bytes(self.read_bytes()?);
        let mut stored = String::new();
        self.file.read_line(&mut stored)?;
        if stored.trim_end() != database {
            let stored = stored.trim_end();
            return Err(unusable(&format!("it is of the database {stored}, not {database}")));
        }
        // A key takes more than 40 bytes, which limits a wrong count.
        let capacity = usize::try_from(count.min(length / 40)).map_err(io::Error::other)?;
        let mut builder = TableBuilder::new(capacity);
        let mut refused = RefusedDigests::new();
        let (mut keys, mut last) = (0, None);
        let mut kind = [0];
        while self.file.read(&mut kind)? == 1 {
            match kind[0] {
                CLIENT => {
                    let client = self.read_client()?;
                    self.clients.push(client);
                }
                KEY => {
                    let (row, status) = self.read_key()?;
                    if last >= Some(row.prefix()) {
                        return Err(unusable("its keys are not in order"));
                    }
                    last = Some(row.prefix());
                    keys += 1;
                    builder.push(row, status);
                }
                REFUSED => _ = refused.insert(KeyDigest::from_bytes(self.read_bytes()?)),
                _ => return Err(unusable("it has a record of an unknown kind")),
            }
        }
        if keys != count {
            return Err(unusable("it does not have the number of keys that it states"));
        }
        Ok((builder.finish(), refused))
    }

    fn read_bytes<const COUNT: usize>(&mut self) -> io::Result<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn read_client(&mut self) -> io::Result<ClientProfile> {
        let length = u64::from(u32::from_le_bytes(self.read_bytes()?));
        let mut text = Vec::new();
        (&mut self.file).take(length).read_to_end(&mut text)?;
        let columns =
            serde_json::from_slice(&text).map_err(|_| unusable("a client is not JSON"))?;
        let (name, scopes, quota, metadata): Columns = columns;
        profile(&name, &scopes, quota.as_deref(), &metadata)
            .map_err(|row| unusable(&row.to_string()))
    }

    fn read_key(&mut self) -> io::Result<(Row, PackedStatus)> {
        let digest = KeyDigest::from_bytes(self.read_bytes()?);
        let client = u32::from_le_bytes(self.read_bytes()?);
        let [state] = self.read_bytes()?;
        let expires = u64::from_le_bytes(self.read_bytes()?);
        let client = usize::try_from(client).ok().and_then(|client| self.clients.get(client));
        let profile = client.ok_or_else(|| unusable("a key has no client"))?.clone();
        let state = match state {
            0 => KeyState::Active,
            1 => KeyState::Disabled,
            2 => KeyState::Revoked,
            _ => return Err(unusable("a key has an unknown state")),
        };
        let expires = expires.checked_sub(1).map(Timestamp::from_micros).transpose();
        let expires = expires.map_err(|error| unusable(&error.to_string()))?.map(SystemTime::from);
        Ok((Row { digest, profile }, PackedStatus::CLEAR.with_expiry(expires).with_state(state)))
    }
}

/// Name, scopes, quota and metadata.
type Columns = (String, Vec<String>, Option<String>, String);
