use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::{CLIENT, FORMAT, KEY, REFUSED, Refused, Sum, bad, contact};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyState, PackedStatus, Timestamp};
use crate::store::folder::{Folder, ROOT, own};
use crate::store::sql::profile;
use crate::store::table::{Build, Row, Table};

/// What a copy held.
pub(in crate::store::replica) struct Read {
    pub(in crate::store::replica) table: Table,
    pub(in crate::store::replica) refused: Refused,
    pub(in crate::store::replica) clients: usize,
    /// When the database was last heard of.
    pub(in crate::store::replica) contact: SystemTime,
}

/// Reads a copy of the database at this place, or says why it is none.
pub(in crate::store::replica) fn read(path: &Path, place: &str) -> io::Result<Read> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    // Whoever prepared it chose the keys that it lets in.
    let mut file = own(Folder::of(path)?.read(name)?, Some(ROOT))?;
    let end = file.metadata()?.len().checked_sub(size_of::<Sum>() as u64);
    let end = end.filter(|end| *end >= contact::END).ok_or_else(|| bad("it is cut off"))?;
    let mut format = [0; FORMAT.len()];
    file.read_exact(&mut format)?;
    if format != FORMAT.as_bytes() {
        return Err(bad("it is of another version"));
    }
    let sum = check(&mut file, end - contact::END)?;
    let contact = contact::noted(&mut file, sum)?;
    if contact > SystemTime::now() {
        return Err(bad("its time is in the future"));
    }
    let body = BufReader::new(file).take(end - contact::END);
    let mut input = Input { file: body, clients: Vec::new() };
    let (table, refused) = input.all(end, place)?;
    Ok(Read { table, refused, clients: input.clients.len(), contact })
}

fn check(file: &mut File, body: u64) -> io::Result<Sum> {
    file.seek(SeekFrom::Start(contact::END))?;
    let mut sum = Sha256::new_with_prefix(FORMAT);
    let mut buffer = vec![0; 1 << 16];
    let mut input = file.take(body);
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        sum.update(&buffer[..count]);
    }
    let mut stated = Sum::default();
    file.read_exact(&mut stated)?;
    if sum.finalize()[..] == stated { Ok(stated) } else { Err(bad("it is not as it was written")) }
}

struct Input {
    file: io::Take<BufReader<File>>,
    clients: Vec<ClientProfile>,
}

impl Input {
    fn all(&mut self, body: u64, place: &str) -> io::Result<(Table, Refused)> {
        let count = u64::from_le_bytes(self.bytes()?);
        let mut stated = String::new();
        self.file.read_line(&mut stated)?;
        if stated.trim_end() != place {
            return Err(bad(&format!("it is of {}, not of {place}", stated.trim_end())));
        }
        // A key takes more than 40 bytes.
        let most = usize::try_from(count.min(body / 40)).map_err(io::Error::other)?;
        let mut build = Build::new(most);
        let mut refused = Refused::new();
        let (mut keys, mut last) = (0, None);
        let mut kind = [0];
        while self.file.read(&mut kind)? == 1 {
            match kind[0] {
                CLIENT => {
                    let client = self.client()?;
                    self.clients.push(client);
                }
                KEY => {
                    let (row, mark) = self.key()?;
                    if last >= Some(row.prefix()) {
                        return Err(bad("its keys are not in order"));
                    }
                    last = Some(row.prefix());
                    keys += 1;
                    build.push(row, mark);
                }
                REFUSED => _ = refused.insert(KeyDigest::from_bytes(self.bytes()?)),
                _ => return Err(bad("it has a record of another kind")),
            }
        }
        if keys != count {
            return Err(bad("it has not as many keys as it says"));
        }
        Ok((build.finish(), refused))
    }

    fn bytes<const COUNT: usize>(&mut self) -> io::Result<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn client(&mut self) -> io::Result<ClientProfile> {
        let length = u64::from(u32::from_le_bytes(self.bytes()?));
        let mut text = Vec::new();
        (&mut self.file).take(length).read_to_end(&mut text)?;
        let columns = serde_json::from_slice(&text).map_err(|_| bad("a client is not JSON"))?;
        let (name, scopes, quota, metadata): Columns = columns;
        profile(&name, &scopes, quota.as_deref(), &metadata).map_err(|row| bad(&row.to_string()))
    }

    fn key(&mut self) -> io::Result<(Row, PackedStatus)> {
        let digest = KeyDigest::from_bytes(self.bytes()?);
        let client = u32::from_le_bytes(self.bytes()?);
        let [state] = self.bytes()?;
        let expires = u64::from_le_bytes(self.bytes()?);
        let client = usize::try_from(client).ok().and_then(|client| self.clients.get(client));
        let profile = client.ok_or_else(|| bad("a key has no client"))?.clone();
        let state = match state {
            0 => KeyState::Active,
            1 => KeyState::Disabled,
            2 => KeyState::Revoked,
            _ => return Err(bad("a key has another state")),
        };
        let expires = expires.checked_sub(1).map(Timestamp::from_micros).transpose();
        let expires = expires.map_err(|error| bad(&error.to_string()))?.map(SystemTime::from);
        Ok((Row { digest, profile }, PackedStatus::CLEAR.with_expiry(expires).with_state(state)))
    }
}

/// Name, scopes, quota and metadata.
type Columns = (String, Vec<String>, Option<String>, String);
