//! What the rows of clients and keys mean to requests.

use super::clients::Seen;
use crate::key::{KeyDigest, KeyState, PackedStatus};
use crate::store::postgres::columns::{self, Columns};
use crate::store::sql::BadRow;
use crate::store::table::Row;

/// The columns of a key, for [`unowned`]: labels and notes are not for requests. They name their types, of
/// which a copy says nothing.
macro_rules! replica_columns {
    () => {
        "k.digest::bytea, k.algorithm::text, k.client::text, k.expires::timestamptz, \
         k.revoked::timestamptz"
    };
    (unprepared) => {
        "k.digest::bytea, k.algorithm::text, k.client::text, \
         pg_catalog.timestamptz_send(k.expires::timestamptz), \
         pg_catalog.timestamptz_send(k.revoked::timestamptz)"
    };
}

pub(super) use replica_columns;

/// What becomes of the row of a key.
pub(super) enum Key {
    Good(Row, PackedStatus),
    /// Without a digest there is nobody to refuse.
    Bad(Option<KeyDigest>, BadRow),
    /// Its client is not known yet.
    Unknown(KeyDigest),
}

/// The row of a key, before its client is looked for.
#[derive(Clone, Copy)]
pub(super) struct Unowned<'a> {
    pub(super) digest: KeyDigest,
    pub(super) client: &'a str,
    /// As far as the row alone says.
    pub(super) mark: PackedStatus,
}

/// Reads the row of a key, or says whose cannot be used, if it has a digest, and why.
pub(super) fn unowned(row: &impl Columns) -> Result<Unowned<'_>, (Option<KeyDigest>, BadRow)> {
    read(row).map_err(|bad| {
        let bytes = row.bytes(0).ok().flatten().and_then(|bytes| (&*bytes).try_into().ok());
        (bytes.map(KeyDigest::from_bytes), bad)
    })
}

fn read(row: &impl Columns) -> Result<Unowned<'_>, BadRow> {
    let digest = columns::digest(row, 0, 1)?;
    let key_id = digest.key_id();
    let client = row.text(2).ok().flatten();
    let client = client.ok_or_else(|| BadRow::key(key_id, "it has no client"))?;
    let expires = columns::time(row, 3, key_id, "expires")?;
    let revoked = columns::time(row, 4, key_id, "revoked")?.is_some();
    let state = if revoked { KeyState::Revoked } else { KeyState::Active };
    let mark = PackedStatus::CLEAR.with_state(state).with_expiry(expires);
    Ok(Unowned { digest, client, mark })
}

impl Unowned<'_> {
    pub(super) fn of(self, client: Option<Result<Seen<'_>, &BadRow>>) -> Key {
        let Self { digest, mark, .. } = self;
        match client {
            None => Key::Unknown(digest),
            Some(Err(bad)) => Key::Bad(Some(digest), BadRow::key(digest.key_id(), bad.to_string())),
            Some(Ok(Seen { profile, enabled })) => {
                let mark = if enabled || mark.is_revoked() {
                    mark
                } else {
                    mark.with_state(KeyState::Disabled)
                };
                Key::Good(Row { digest, profile: profile.clone() }, mark)
            }
        }
    }
}
