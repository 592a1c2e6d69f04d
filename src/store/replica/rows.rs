//! What the rows of clients and keys mean to requests.

use super::clients::Seen;
use crate::digest::KeyDigest;
use crate::mark::Mark;
use crate::record::KeyState;
use crate::store::postgres::columns::{self, Columns};
use crate::store::sql::BadRow;
use crate::store::table::Row;

/// The columns of a key, for [`key`]: labels and notes are not for requests. They name their types, of
/// which a copy says nothing.
macro_rules! replica_columns {
    () => {
        "k.digest::bytea, k.algorithm::text, k.client::text, k.expires::timestamptz, \
         k.revoked::timestamptz"
    };
}

pub(super) use replica_columns;

/// What becomes of the row of a key.
pub(super) enum Key {
    Good(Row, Mark),
    /// Without a digest there is nobody to refuse.
    Bad(Option<KeyDigest>, BadRow),
    /// Its client is not known yet.
    Unknown(KeyDigest, String),
}

pub(super) fn key<'a>(
    row: &impl Columns,
    client: impl FnOnce(&str) -> Option<Result<Seen<'a>, &'a BadRow>>,
) -> Key {
    let bytes = row.bytes(0).ok().flatten().and_then(|bytes| bytes.try_into().ok());
    let digest = bytes.map(KeyDigest::from_bytes);
    read(row, client).unwrap_or_else(|bad| Key::Bad(digest, bad))
}

fn read<'a>(
    row: &impl Columns,
    client: impl FnOnce(&str) -> Option<Result<Seen<'a>, &'a BadRow>>,
) -> Result<Key, BadRow> {
    let digest = columns::digest(row, 0, 1)?;
    let key_id = digest.key_id();
    let name = row.text(2).ok().flatten();
    let name = name.ok_or_else(|| BadRow::key(key_id, "it has no client"))?;
    let expires = columns::time(row, 3, key_id, "expires")?;
    let revoked = columns::time(row, 4, key_id, "revoked")?.is_some();
    let Some(client) = client(name) else {
        return Ok(Key::Unknown(digest, name.to_owned()));
    };
    let client = client.map_err(|bad| BadRow::key(key_id, bad.to_string()))?;
    let state = match (revoked, client.enabled) {
        (true, _) => KeyState::Revoked,
        (false, false) => KeyState::Disabled,
        (false, true) => KeyState::Active,
    };
    let mark = Mark::CLEAR.with_state(state).with_expiry(expires);
    Ok(Key::Good(Row { digest, profile: client.profile.clone() }, mark))
}
