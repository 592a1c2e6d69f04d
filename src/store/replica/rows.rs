//! The rows of keys, as far as a request needs them.

use super::clients::ClientState;
use crate::key::{KeyDigest, KeyState, PackedStatus};
use crate::store::postgres::columns::{self, Columns};
use crate::store::sql::BadRow;
use crate::store::table::Row;

/// The columns of a key for [`KeyRow::read`], without labels and notes. The casts fix their types, which
/// the output of `copy` does not name.
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

/// A row of a key, combined with its client.
pub(super) enum LoadedKey {
    Valid(Row, PackedStatus),
    /// Without a digest, there is no key to refuse.
    Invalid(Option<KeyDigest>, BadRow),
    NoClient(KeyDigest),
}

/// A row of a key.
#[derive(Clone, Copy)]
pub(super) struct KeyRow<'a> {
    pub(super) digest: KeyDigest,
    pub(super) client: &'a str,
    /// The status without the client's.
    pub(super) status: PackedStatus,
}

impl<'a> KeyRow<'a> {
    /// Reads a row. An error comes with the digest of the row, if that can be read.
    pub(super) fn read(row: &'a impl Columns) -> Result<Self, (Option<KeyDigest>, BadRow)> {
        Self::try_read(row).map_err(|bad| {
            let bytes = row.bytes(0).ok().flatten().and_then(|bytes| (&*bytes).try_into().ok());
            (bytes.map(KeyDigest::from_bytes), bad)
        })
    }

    fn try_read(row: &'a impl Columns) -> Result<Self, BadRow> {
        let digest = columns::digest(row, 0, 1)?;
        let key_id = digest.key_id();
        let client = row.text(2).ok().flatten();
        let client = client.ok_or_else(|| BadRow::key(key_id, "it has no client"))?;
        let expires = columns::time(row, 3, key_id, "expires")?;
        let revoked = columns::time(row, 4, key_id, "revoked")?.is_some();
        let state = if revoked { KeyState::Revoked } else { KeyState::Active };
        let status = PackedStatus::CLEAR.with_state(state).with_expiry(expires);
        Ok(Self { digest, client, status })
    }

    pub(super) fn with_client(self, client: Option<Result<ClientState<'_>, &BadRow>>) -> LoadedKey {
        let Self { digest, status, .. } = self;
        match client {
            None => LoadedKey::NoClient(digest),
            Some(Err(bad)) => {
                LoadedKey::Invalid(Some(digest), BadRow::key(digest.key_id(), bad.to_string()))
            }
            Some(Ok(ClientState { profile, enabled })) => {
                let status = if enabled || status.is_revoked() {
                    status
                } else {
                    status.with_state(KeyState::Disabled)
                };
                LoadedKey::Valid(Row { digest, profile: profile.clone() }, status)
            }
        }
    }
}
