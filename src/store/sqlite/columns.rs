//! What the columns of a row mean. They are asked for in one order, and read by their places.

use std::time::SystemTime;

use sqlx::decode::Decode;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Row as _, Type};

use crate::client::{ClientProfile, label};
use crate::key::{KeyDigest, KeyId, KeyState, rfc3339};
use crate::manage::KeyMetadata;
use crate::store::KeyRecord;
use crate::store::sql::{BadRow, ClientRow, Found, KeyRow, profile, set_aside};

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

/// What a request needs of a key and its client, by its digest. It has the columns of a client
/// behind four of the key.
pub(super) const RECORD: &str = concat!(
    "select k.digest, k.algorithm, k.expires, k.revoked, ",
    client_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client where k.digest = ?1"
);

/// The record in a row of [`RECORD`].
pub(super) fn record(row: &SqliteRow) -> Result<KeyRecord, BadRow> {
    let digest = digest(row)?;
    let key_id = digest.key_id();
    if there::<&str>(row, 4).is_none() {
        return Err(BadRow::key(key_id, "its client is not there"));
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

/// The client whose columns begin at this place.
pub(super) fn client_row(row: &SqliteRow, first: usize) -> Result<ClientRow, BadRow> {
    let name: &str = there(row, first).ok_or_else(|| BadRow::client("?", "its name is no text"))?;
    let bad = |why: &str| BadRow::client(name, why);
    let enabled = flag(row, first + 1).ok_or_else(|| bad("its `enabled` is not 0 or 1"))?;
    let scopes: &str = there(row, first + 2).ok_or_else(|| bad("its scopes are no text"))?;
    let scopes: Vec<String> = match scopes {
        "[]" => Vec::new(),
        scopes => {
            serde_json::from_str(scopes).map_err(|_| bad("its scopes are not a list of texts"))?
        }
    };
    let quota: Option<&str> = row.try_get(first + 3).map_err(|_| bad("its quota is no text"))?;
    let metadata: &str = there(row, first + 4).ok_or_else(|| bad("its metadata are no text"))?;
    Ok(ClientRow { profile: profile(name, &scopes, quota, metadata)?, enabled })
}

/// As [`client_row`], with its bare name where a hand has spoilt the rest.
pub(super) fn found_client(row: &SqliteRow) -> Result<Found<ClientRow>, BadRow> {
    let bad = match client_row(row, 0) {
        Ok(row) => return Ok(Found { row, fault: None }),
        Err(bad) => bad,
    };
    let Some(name) = there::<&str>(row, 0) else { return Err(bad) };
    // One that cannot be told counts as enabled: it can be disabled then.
    let enabled = flag(row, 1).unwrap_or(true);
    let row = ClientRow { profile: ClientProfile::new(name), enabled };
    Ok(Found { row, fault: Some(bad) })
}

/// The key whose columns begin the row.
pub(super) fn key_row(row: &SqliteRow) -> Result<KeyRow, BadRow> {
    found_key(row)?.whole()
}

/// As [`key_row`], with all that can be read of one that a hand has spoilt.
pub(super) fn found_key(row: &SqliteRow) -> Result<Found<KeyRow>, BadRow> {
    let digest = digest_bytes(row)?;
    let key_id = digest.key_id();
    let bad = |why: &str| BadRow::key(key_id, why);
    let client = there(row, 2).ok_or_else(|| bad("its client is no text"))?;
    let mut fault = check_algorithm(row, 1, key_id).err();
    let enabled = set_aside(&mut fault, flag(row, 3).ok_or_else(|| bad("its client is not there")));
    let label = set_aside(&mut fault, label(row, 4, key_id));
    let created = set_aside(&mut fault, time(row, 5, key_id, "created"));
    let expires = set_aside(&mut fault, time(row, 6, key_id, "expires"));
    let revoked = set_aside(&mut fault, time(row, 7, key_id, "revoked"));
    let replaced_by = set_aside(&mut fault, successor(row, 8, key_id));
    let notes = KeyMetadata { label: label.map(Into::into), created, revoked, replaced_by };
    Ok(Found { row: KeyRow { digest, client, enabled, expires, notes }, fault })
}

fn label(row: &SqliteRow, index: usize, key_id: KeyId) -> Result<Option<String>, BadRow> {
    let bad = |why: &str| BadRow::key(key_id, why);
    let label: Option<String> = row.try_get(index).map_err(|_| bad("its label is no text"))?;
    if let Some(label) = &label {
        label::check(label).map_err(|error| bad(&format!("its label: {error}")))?;
    }
    Ok(label)
}

fn successor(row: &SqliteRow, index: usize, key_id: KeyId) -> Result<Option<KeyId>, BadRow> {
    let bad = |why: &str| BadRow::key(key_id, why);
    let id: Option<&str> = row.try_get(index).map_err(|_| bad("its `replaced_by` is no text"))?;
    id.map(str::parse).transpose().map_err(|_| bad("its `replaced_by` is not the id of a key"))
}

/// The digest and its algorithm, which begin the row.
fn digest(row: &SqliteRow) -> Result<KeyDigest, BadRow> {
    let digest = digest_bytes(row)?;
    check_algorithm(row, 1, digest.key_id())?;
    Ok(digest)
}

fn digest_bytes(row: &SqliteRow) -> Result<KeyDigest, BadRow> {
    let unnamed = |why: &str| BadRow { whose: "a key".to_owned(), why: why.to_owned() };
    let bytes: &[u8] = there(row, 0).ok_or_else(|| unnamed("it has no digest"))?;
    let bytes = bytes.try_into().map_err(|_| unnamed("its digest is not of 32 bytes"))?;
    Ok(KeyDigest::from_bytes(bytes))
}

fn check_algorithm(row: &SqliteRow, index: usize, key_id: KeyId) -> Result<(), BadRow> {
    match there(row, index) {
        Some("sha256") => Ok(()),
        _ => Err(BadRow::key(key_id, "its algorithm is not `sha256`")),
    }
}

/// What may not be null. The driver reads null as an empty text or as zero, unless it is asked for an
/// option.
fn there<'r, T>(row: &'r SqliteRow, index: usize) -> Option<T>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get::<Option<T>, _>(index).ok().flatten()
}

fn flag(row: &SqliteRow, index: usize) -> Option<bool> {
    match there::<i64>(row, index) {
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
