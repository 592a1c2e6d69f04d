//! What the columns of a row mean. They are asked for in one order, and read by their places.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::decode::Decode;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{
    PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, PgValueFormat, PgValueRef, Postgres,
};
use sqlx::types::time::OffsetDateTime;
use sqlx::{Row as _, Type, TypeInfo as _, ValueRef as _};

use crate::client::{ClientProfile, label};
use crate::key::{KeyDigest, KeyId};
use crate::manage::KeyMetadata;
use crate::store::sql::{BadRow, ClientRow, Found, KeyRow, profile, set_aside};

/// The columns of a client `c`, for [`client_row`]. They name their types, of which a copy says nothing.
macro_rules! client_columns {
    () => {
        "c.name::text, c.enabled::boolean, c.scopes::text[], c.quota::text, c.metadata::text"
    };
}

/// The columns of a key `k` of a client `c`, for [`key_row`].
macro_rules! key_columns {
    () => {
        "k.digest, k.algorithm, k.client, c.enabled, k.label, \
         pg_catalog.timestamptz_send(k.created), pg_catalog.timestamptz_send(k.expires), \
         pg_catalog.timestamptz_send(k.revoked), k.replaced_by"
    };
}

pub(in crate::store) use {client_columns, key_columns};

/// The client whose columns begin at this place.
pub(in crate::store) fn client_row(row: &impl Columns, first: usize) -> Result<ClientRow, BadRow> {
    let name = there(row.text(first)).ok_or_else(|| BadRow::client("?", "it has no name"))?;
    let bad = |why: &str| BadRow::client(name, why);
    let enabled = there(row.flag(first + 1)).ok_or_else(|| bad("its `enabled` is not there"))?;
    let scopes =
        there(row.texts(first + 2)).ok_or_else(|| bad("its scopes are not a list of texts"))?;
    let quota = row.text(first + 3).map_err(|_| bad("its quota is no text"))?;
    let metadata = there(row.text(first + 4)).ok_or_else(|| bad("its metadata are not there"))?;
    Ok(ClientRow { profile: profile(name, &scopes, quota, metadata)?, enabled })
}

/// As [`client_row`], with its bare name where a hand has spoilt the rest.
pub(super) fn found_client(row: &PgRow) -> Result<Found<ClientRow>, BadRow> {
    let bad = match client_row(row, 0) {
        Ok(row) => return Ok(Found { row, fault: None }),
        Err(bad) => bad,
    };
    let (Some(name), Some(enabled)) = (there(row.text(0)), there(row.flag(1))) else {
        return Err(bad);
    };
    let row = ClientRow { profile: ClientProfile::new(name), enabled };
    Ok(Found { row, fault: Some(bad) })
}

/// The key whose columns begin at this place.
pub(in crate::store) fn key_row(row: &PgRow, first: usize) -> Result<KeyRow, BadRow> {
    found_key(row, first)?.whole()
}

/// As [`key_row`], with all that can be read of one that a hand has spoilt.
pub(super) fn found_key(row: &PgRow, first: usize) -> Result<Found<KeyRow>, BadRow> {
    let digest = digest_bytes(row, first)?;
    let key_id = digest.key_id();
    let bad = |why: &str| BadRow::key(key_id, why);
    let client = row.try_get(first + 2).map_err(|_| bad("it has no client"))?;
    let mut fault = check_algorithm(row, first + 1, key_id).err();
    let enabled =
        set_aside(&mut fault, row.try_get(first + 3).map_err(|_| bad("its client is not there")));
    let label = set_aside(&mut fault, label(row, first + 4, key_id));
    let created = set_aside(&mut fault, time(row, first + 5, key_id, "created"));
    let expires = set_aside(&mut fault, time(row, first + 6, key_id, "expires"));
    let revoked = set_aside(&mut fault, time(row, first + 7, key_id, "revoked"));
    let replaced_by = set_aside(&mut fault, successor(row, first + 8, key_id));
    let notes = KeyMetadata { label: label.map(Into::into), created, revoked, replaced_by };
    Ok(Found { row: KeyRow { digest, client, enabled, expires, notes }, fault })
}

fn label(row: &PgRow, index: usize, key_id: KeyId) -> Result<Option<String>, BadRow> {
    let bad = |why: &str| BadRow::key(key_id, why);
    let label: Option<String> = row.try_get(index).map_err(|_| bad("its label is no text"))?;
    if let Some(label) = &label {
        label::check(label).map_err(|error| bad(&format!("its label: {error}")))?;
    }
    Ok(label)
}

fn successor(row: &PgRow, index: usize, key_id: KeyId) -> Result<Option<KeyId>, BadRow> {
    let bad = |why: &str| BadRow::key(key_id, why);
    let id: Option<&str> = row.try_get(index).map_err(|_| bad("its `replaced_by` is no text"))?;
    id.map(str::parse).transpose().map_err(|_| bad("its `replaced_by` is not the id of a key"))
}

/// A row, however it was asked for. What is null is nothing.
pub(in crate::store) trait Columns {
    fn bytes(&self, place: usize) -> Result<Option<Cow<'_, [u8]>>, Unread>;
    fn text(&self, place: usize) -> Result<Option<&str>, Unread>;
    fn texts(&self, place: usize) -> Result<Option<Vec<String>>, Unread>;
    fn flag(&self, place: usize) -> Result<Option<bool>, Unread>;
    fn micros(&self, place: usize) -> Result<Option<Micros>, Unread>;
}

/// What is in this place is of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Unread;

impl Columns for PgRow {
    fn bytes(&self, place: usize) -> Result<Option<Cow<'_, [u8]>>, Unread> {
        let value = self.try_get_raw(place).map_err(|_| Unread)?;
        if value.is_null() {
            return Ok(None);
        }
        if value.type_info().name() != "BYTEA" {
            return Err(Unread);
        }
        raw_bytes(&value).map(Some)
    }

    fn text(&self, place: usize) -> Result<Option<&str>, Unread> {
        self.try_get(place).map_err(|_| Unread)
    }

    fn texts(&self, place: usize) -> Result<Option<Vec<String>>, Unread> {
        self.try_get(place).map_err(|_| Unread)
    }

    fn flag(&self, place: usize) -> Result<Option<bool>, Unread> {
        self.try_get(place).map_err(|_| Unread)
    }

    fn micros(&self, place: usize) -> Result<Option<Micros>, Unread> {
        let value = self.try_get_raw(place).map_err(|_| Unread)?;
        if value.is_null() {
            return Ok(None);
        }
        let is_time = value.type_info().name() == "TIMESTAMPTZ";
        let is_binary = matches!(value.format(), PgValueFormat::Binary);
        // Not prepared, a time comes as the bytes that `timestamptz_send` makes of it.
        if !(is_time && is_binary || value.type_info().name() == "BYTEA") {
            return Err(Unread);
        }
        let bytes = raw_bytes(&value)?;
        let micros = (&*bytes).try_into().map_err(|_| Unread)?;
        Ok(Some(Micros(i64::from_be_bytes(micros))))
    }
}

/// The bytes of a value, which a statement that was not prepared gives in hex.
fn raw_bytes<'r>(value: &PgValueRef<'r>) -> Result<Cow<'r, [u8]>, Unread> {
    let bytes = value.as_bytes().map_err(|_| Unread)?;
    match value.format() {
        PgValueFormat::Binary => Ok(Cow::Borrowed(bytes)),
        PgValueFormat::Text => {
            let decoded = <Vec<u8> as Decode<'_, Postgres>>::decode(value.clone());
            decoded.map(Cow::Owned).map_err(|_| Unread)
        }
    }
}

/// What must be there.
fn there<T>(column: Result<Option<T>, Unread>) -> Option<T> {
    column.ok().flatten()
}

/// The digest of a row, which no other may be taken for.
pub(in crate::store) fn digest(
    row: &impl Columns,
    digest: usize,
    algorithm: usize,
) -> Result<KeyDigest, BadRow> {
    let digest = digest_bytes(row, digest)?;
    check_algorithm(row, algorithm, digest.key_id())?;
    Ok(digest)
}

fn digest_bytes(row: &impl Columns, index: usize) -> Result<KeyDigest, BadRow> {
    let unnamed = |why: &str| BadRow { whose: "a key".to_owned(), why: why.to_owned() };
    let bytes = there(row.bytes(index)).ok_or_else(|| unnamed("it has no digest"))?;
    let bytes = (&*bytes).try_into().map_err(|_| unnamed("its digest is not of 32 bytes"))?;
    Ok(KeyDigest::from_bytes(bytes))
}

fn check_algorithm(row: &impl Columns, index: usize, key_id: KeyId) -> Result<(), BadRow> {
    match row.text(index) {
        Ok(Some("sha256")) => Ok(()),
        _ => Err(BadRow::key(key_id, "its algorithm is not `sha256`")),
    }
}

/// The time in this column, if there is one.
pub(in crate::store) fn time(
    row: &impl Columns,
    index: usize,
    key_id: KeyId,
    name: &str,
) -> Result<Option<SystemTime>, BadRow> {
    let bad = || BadRow::key(key_id, format!("its `{name}` is not between 1970 and 9999"));
    let time = row.micros(index).map_err(|_| bad())?;
    time.map(|time| time.system_time().ok_or_else(bad)).transpose()
}

/// A `timestamptz` as the server sends it: microseconds since 2000. The driver's own reading of it
/// panics at `infinity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Micros(i64);

const EPOCH: i64 = 946_684_800_000_000;
const END: i64 = 253_402_300_800_000_000;

impl Micros {
    pub(in crate::store) fn from_server(micros: i64) -> Self {
        Self(micros)
    }

    fn system_time(self) -> Option<SystemTime> {
        let since = self.0.checked_add(EPOCH).filter(|since| (0..END).contains(since))?;
        UNIX_EPOCH.checked_add(Duration::from_micros(since.try_into().ok()?))
    }
}

/// What is finer than a microsecond is cut off, and what the database cannot hold is its last instant.
impl From<SystemTime> for Micros {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Self(micros.min(END - 1) - EPOCH)
    }
}

impl PgHasArrayType for Micros {
    fn array_type_info() -> PgTypeInfo {
        OffsetDateTime::array_type_info()
    }
}

impl Type<Postgres> for Micros {
    fn type_info() -> PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Micros {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<'_, Postgres>>::encode(self.0, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_or_are_refused() {
        for micros in [0, 1, 1_800_000_000_250_123, 253_402_300_799_999_999] {
            let time = UNIX_EPOCH + Duration::from_micros(micros);
            assert_eq!(Micros::from(time).system_time(), Some(time));
        }
        for micros in [i64::MIN, i64::MAX, -EPOCH - 1, END - EPOCH] {
            assert_eq!(Micros(micros).system_time(), None);
        }
    }
}
