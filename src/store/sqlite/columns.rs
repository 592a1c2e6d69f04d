//! Decodes rows. The columns are selected in one order, and read by index.

use std::time::SystemTime;

use sqlx::decode::Decode;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Row as _, Type};

use crate::client::{ClientProfile, label};
use crate::key::{KeyDigest, KeyId, KeyState, rfc3339};
use crate::manage::KeyMetadata;
use crate::store::KeyRecord;
use crate::store::sql::{BadRow, ClientRow, KeyRow, PartialRow, keep_error, profile};

/// The columns of a client `c`, for [`client_row`].
macro_rules! client_columns {
    () => {
        "c.name, c.enabled, c.scopes, c.quota, c.metadata"
    };
}

/// The columns of a key `k` of a client `c`, for [`key_row`].
macro_rules! key_columns {
    () => {
        "k.digest, k.algorithm, k.client, c.enabled, k.label, k.created, k.expires, k.revoked, \
         k.replaced_by"
    };
}

pub(super) use {client_columns, key_columns};

/// The columns needed to authenticate a request, looked up by digest: four of the key, then the
/// client's.
pub(super) const RECORD: &str = concat!(
    "select k.digest, k.algorithm, k.expires, k.revoked, ",
    client_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client where k.digest = ?1"
);

/// Decodes a row of [`RECORD`].
pub(super) fn record(row: &SqliteRow) -> Result<KeyRecord, BadRow> {
    let digest = digest(row)?;
    let key_id = digest.key_id();
    if non_null::<&str>(row, 4).is_none() {
        return Err(BadRow::key(key_id, "its client does not exist"));
    }
    let client = client_row(row, 4)?;
    let expires = time(row, 2, key_id, "expires")?;
    let state = match (time(row, 3, key_id, "revoked")?, client.enabled) {
        (Some(_), _) => KeyState::Revoked,
        (None, false) => KeyState::Disabled,
        (None, true) => KeyState::Active,
    };
    Ok(KeyRecord::new(digest, client.profile).with_expiry(expires).with_state(state))
}

/// Decodes the client whose columns begin at this index.
pub(super) fn client_row(row: &SqliteRow, first: usize) -> Result<ClientRow, BadRow> {
    let name: &str =
        non_null(row, first).ok_or_else(|| BadRow::client("?", "its name is not text"))?;
    let bad = |why: &str| BadRow::client(name, why);
    let enabled = flag(row, first + 1).ok_or_else(|| bad("its `enabled` is not 0 or 1"))?;
    let scopes: &str = non_null(row, first + 2).ok_or_else(|| bad("its scopes are not text"))?;
    let scopes: Vec<String> = match scopes {
        "[]" => Vec::new(),
        scopes => {
            serde_json::from_str(scopes).map_err(|_| bad("its scopes are not a list of texts"))?
        }
    };
    let quota: Option<&str> = row.try_get(first + 3).map_err(|_| bad("its quota is not text"))?;
    let metadata: &str =
        non_null(row, first + 4).ok_or_else(|| bad("its metadata are not text"))?;
    Ok(ClientRow { profile: profile(name, &scopes, quota, metadata)?, enabled })
}

/// Decodes a client; if a column other than the name is invalid, returns the name alone.
pub(super) fn partial_client(row: &SqliteRow) -> Result<PartialRow<ClientRow>, BadRow> {
    let bad = match client_row(row, 0) {
        Ok(row) => return Ok(PartialRow { row, error: None }),
        Err(bad) => bad,
    };
    let Some(name) = non_null::<&str>(row, 0) else { return Err(bad) };
    // An invalid value counts as enabled, so that the client can be disabled.
    let enabled = flag(row, 1).unwrap_or(true);
    let row = ClientRow { profile: ClientProfile::new(name), enabled };
    Ok(PartialRow { row, error: Some(bad) })
}

/// Decodes the key whose columns begin the row.
pub(super) fn key_row(row: &SqliteRow) -> Result<KeyRow, BadRow> {
    partial_key(row)?.complete()
}

/// Decodes the valid columns of a key.
pub(super) fn partial_key(row: &SqliteRow) -> Result<PartialRow<KeyRow>, BadRow> {
    let digest = digest_bytes(row)?;
    let key_id = digest.key_id();
    let bad = |why: &str| BadRow::key(key_id, why);
    let client = non_null(row, 2).ok_or_else(|| bad("its client is not text"))?;
    let mut error = check_algorithm(row, 1, key_id).err();
    let enabled =
        keep_error(&mut error, flag(row, 3).ok_or_else(|| bad("its client does not exist")));
    let label = keep_error(&mut error, label(row, 4, key_id));
    let created = keep_error(&mut error, time(row, 5, key_id, "created"));
    let expires = keep_error(&mut error, time(row, 6, key_id, "expires"));
    let revoked = keep_error(&mut error, time(row, 7, key_id, "revoked"));
    let replaced_by = keep_error(&mut error, successor(row, 8, key_id));
    let metadata = KeyMetadata { label: label.map(Into::into), created, revoked, replaced_by };
    Ok(PartialRow { row: KeyRow { digest, client, enabled, expires, metadata }, error })
}

fn label(row: &SqliteRow, index: usize, key_id: KeyId) -> Result<Option<String>, BadRow> {
    let bad = |why: &str| BadRow::key(key_id, why);
    let label: Option<String> = row.try_get(index).map_err(|_| bad("its label is not text"))?;
    if let Some(label) = &label {
        label::check(label).map_err(|error| bad(&format!("its label: {error}")))?;
    }
    Ok(label)
}

fn successor(row: &SqliteRow, index: usize, key_id: KeyId) -> Result<Option<KeyId>, BadRow> {
    let bad = |why: &str| BadRow::key(key_id, why);
    let id: Option<&str> = row.try_get(index).map_err(|_| bad("its `replaced_by` is not text"))?;
    id.map(str::parse).transpose().map_err(|_| bad("its `replaced_by` is not the id of a key"))
}

/// Decodes the digest and checks its algorithm, which begin the row.
fn digest(row: &SqliteRow) -> Result<KeyDigest, BadRow> {
    let digest = digest_bytes(row)?;
    check_algorithm(row, 1, digest.key_id())?;
    Ok(digest)
}

fn digest_bytes(row: &SqliteRow) -> Result<KeyDigest, BadRow> {
    let unnamed = |why: &str| BadRow { subject: "a key".to_owned(), why: why.to_owned() };
    let bytes: &[u8] = non_null(row, 0).ok_or_else(|| unnamed("it has no digest"))?;
    let bytes = bytes.try_into().map_err(|_| unnamed("its digest is not 32 bytes long"))?;
    Ok(KeyDigest::from_bytes(bytes))
}

fn check_algorithm(row: &SqliteRow, index: usize, key_id: KeyId) -> Result<(), BadRow> {
    match non_null(row, index) {
        Some("sha256") => Ok(()),
        _ => Err(BadRow::key(key_id, "its algorithm is not `sha256`")),
    }
}

/// Returns a column that may not be null. Unless decoded as an `Option`, the driver reads null as an
/// empty text or zero.
fn non_null<'r, T>(row: &'r SqliteRow, index: usize) -> Option<T>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get::<Option<T>, _>(index).ok().flatten()
}

fn flag(row: &SqliteRow, index: usize) -> Option<bool> {
    match non_null::<i64>(row, index) {
        Some(0) => Some(false),
        Some(1) => Some(true),
        _ => None,
    }
}

fn time(
    row: &SqliteRow,
    index: usize,
    key_id: KeyId,
    name: &str,
) -> Result<Option<SystemTime>, BadRow> {
    let bad = || BadRow::key(key_id, format!("its `{name}` is not a time of RFC 3339"));
    let text: Option<&str> = row.try_get(index).map_err(|_| bad())?;
    text.map(|text| rfc3339::parse(text).map_err(|_| bad())).transpose()
}
