//! Decodes rows. The columns are selected in one order, and read by index.

use std::borrow::Cow;

use sqlx::decode::Decode;
use sqlx::postgres::{PgRow, PgValueFormat, PgValueRef, Postgres};
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use crate::key::{KeyDigest, KeyId, Timestamp};
use crate::manage::ClientFacts;
use crate::store::postgres::dialect::timestamp;
use crate::store::sql::{BadRow, profile};

/// The columns of a client `c`, for [`client_row`]. The casts matter for `copy`, which reports no types.
macro_rules! client_columns {
    () => {
        "c.name::text, c.enabled::boolean, c.scopes::text[], c.quota::text, c.metadata::text"
    };
}

pub(in crate::store) use client_columns;

/// Decodes the client whose columns begin at this index.
pub(in crate::store) fn client_row(
    row: &impl Columns,
    first: usize,
) -> Result<ClientFacts, BadRow> {
    let name = non_null(row.text(first)).ok_or_else(|| BadRow::client("?", "it has no name"))?;
    let bad = |why: &str| BadRow::client(name, why);
    let enabled = non_null(row.flag(first + 1)).ok_or_else(|| bad("its `enabled` is null"))?;
    let scopes =
        non_null(row.texts(first + 2)).ok_or_else(|| bad("its scopes are not a list of texts"))?;
    let quota = row.text(first + 3).map_err(|_| bad("its quota is not text"))?;
    let metadata = non_null(row.text(first + 4)).ok_or_else(|| bad("its metadata are null"))?;
    Ok(ClientFacts { profile: profile(name, &scopes, quota, metadata)?, enabled })
}

/// The columns of a row, by index. `None` is null.
pub(in crate::store) trait Columns {
    fn bytes(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, ColumnError>;
    fn text(&self, index: usize) -> Result<Option<&str>, ColumnError>;
    fn texts(&self, index: usize) -> Result<Option<Vec<String>>, ColumnError>;
    fn flag(&self, index: usize) -> Result<Option<bool>, ColumnError>;
    fn micros(&self, index: usize) -> Result<Option<Micros>, ColumnError>;
}

/// The error for a column of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct ColumnError;

impl Columns for PgRow {
    fn bytes(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, ColumnError> {
        let value = self.try_get_raw(index).map_err(|_| ColumnError)?;
        if value.is_null() {
            return Ok(None);
        }
        if value.type_info().name() != "BYTEA" {
            return Err(ColumnError);
        }
        raw_bytes(&value).map(Some)
    }

    fn text(&self, index: usize) -> Result<Option<&str>, ColumnError> {
        self.try_get(index).map_err(|_| ColumnError)
    }

    fn texts(&self, index: usize) -> Result<Option<Vec<String>>, ColumnError> {
        self.try_get(index).map_err(|_| ColumnError)
    }

    fn flag(&self, index: usize) -> Result<Option<bool>, ColumnError> {
        self.try_get(index).map_err(|_| ColumnError)
    }

    fn micros(&self, index: usize) -> Result<Option<Micros>, ColumnError> {
        let value = self.try_get_raw(index).map_err(|_| ColumnError)?;
        if value.is_null() {
            return Ok(None);
        }
        let is_time = value.type_info().name() == "TIMESTAMPTZ";
        let is_binary = matches!(value.format(), PgValueFormat::Binary);
        // In a statement that was not prepared, a time is sent as the output of `timestamptz_send`.
        if !(is_time && is_binary || value.type_info().name() == "BYTEA") {
            return Err(ColumnError);
        }
        let bytes = raw_bytes(&value)?;
        let micros = (&*bytes).try_into().map_err(|_| ColumnError)?;
        Ok(Some(Micros(i64::from_be_bytes(micros))))
    }
}

/// Returns the bytes of a value. A statement that was not prepared returns them in hex.
fn raw_bytes<'r>(value: &PgValueRef<'r>) -> Result<Cow<'r, [u8]>, ColumnError> {
    let bytes = value.as_bytes().map_err(|_| ColumnError)?;
    match value.format() {
        PgValueFormat::Binary => Ok(Cow::Borrowed(bytes)),
        PgValueFormat::Text => {
            let decoded = <Vec<u8> as Decode<'_, Postgres>>::decode(value.clone());
            decoded.map(Cow::Owned).map_err(|_| ColumnError)
        }
    }
}

/// Returns a column that may not be null.
fn non_null<T>(column: Result<Option<T>, ColumnError>) -> Option<T> {
    column.ok().flatten()
}

/// Decodes a digest, and checks its algorithm.
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
    let unnamed = |why: &str| BadRow { subject: "a key".to_owned(), why: why.to_owned() };
    let bytes = non_null(row.bytes(index)).ok_or_else(|| unnamed("it has no digest"))?;
    let bytes = (&*bytes).try_into().map_err(|_| unnamed("its digest is not 32 bytes long"))?;
    Ok(KeyDigest::from_bytes(bytes))
}

fn check_algorithm(row: &impl Columns, index: usize, key_id: KeyId) -> Result<(), BadRow> {
    match row.text(index) {
        Ok(Some("sha256")) => Ok(()),
        _ => Err(BadRow::key(key_id, "its algorithm is not `sha256`")),
    }
}

/// Decodes a time, which may be null.
pub(in crate::store) fn time(
    row: &impl Columns,
    index: usize,
    key_id: KeyId,
    name: &str,
) -> Result<Option<Timestamp>, BadRow> {
    let bad = || BadRow::key(key_id, format!("its `{name}` is not between 1970 and 9999"));
    let time = row.micros(index).map_err(|_| bad())?;
    time.map(|time| timestamp(time.0).ok_or_else(bad)).transpose()
}

/// A `timestamptz` as the server sends it: microseconds since 2000. The driver's own type panics at
/// `infinity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Micros(i64);
