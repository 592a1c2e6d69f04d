//! Selects, binds and decodes columns.

use std::borrow::Cow;
use std::time::SystemTime;

use serde_json::json;
use sqlx::Row as _;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};

use crate::key::{KeyId, Rounding, Timestamp};
use crate::store::sql::{self, Column, Dialect, KeyTime, Table, Value, ValueError, Values};

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Dialect for Sqlite {
    const PREFIX: &'static str = "keygate_";

    const BEFORE_PAGE: &'static str = "";
    const HAS_STATISTICS: bool = false;
    const READS_ROWS_LATE: bool = true;
    const ORDER_ID: &'static str = "k.digest";
    const NO_INDEX: &'static str = "+";

    fn select<T>(alias: &str, column: &Column<T>) -> String {
        format!("{alias}.{}", column.name)
    }

    fn in_list(list: &str) -> String {
        format!("in (select value from json_each({list}))")
    }

    /// An id is the beginning of the digest, which every index has.
    fn has_id_in(list: &str) -> String {
        format!("substr(k.digest, 1, 8) in (select unhex(value) from json_each({list}))")
    }

    /// An id is the beginning of the digest, so the index of digests finds the row.
    fn keys_with_ids(ids: &str) -> Option<String> {
        let rest = "ff".repeat(24);
        Some(format!(
            "json_each({ids}) i cross join keygate_keys k \
             on k.digest between unhex(i.value) and unhex(i.value || '{rest}')"
        ))
    }

    fn overlaps(column: &str, list: &str) -> String {
        let of_list = Self::in_list(list);
        format!("exists (select 1 from {} e where e.value {of_list})", members(column))
    }

    fn is_empty(column: &str) -> String {
        format!("not exists (select 1 from {})", members(column))
    }

    fn member(column: &str, name: &str) -> String {
        format!("(select e.value from {} e where e.key = {name})", members(column))
    }

    fn lower(text: &str) -> String {
        format!("{text} collate nocase")
    }

    fn order_time(time: KeyTime) -> String {
        let column = match time {
            KeyTime::Created => "k.stored_created_order",
            KeyTime::NotBefore => "k.not_before_order",
            KeyTime::Expires => "k.stored_expires_order",
        };
        column.to_owned()
    }

    fn order_value(time: Timestamp) -> Value<'static> {
        Value::Number(time.micros().cast_signed())
    }

    /// The first or last digest of this id. A shorter one is before all that begin with it.
    fn order_id_value(key_id: KeyId, is_descending: bool) -> Value<'static> {
        let mut digest = key_id.prefix().to_be_bytes().to_vec();
        if !is_descending {
            digest.resize(32, 0xff);
        }
        Value::Bytes(digest)
    }

    const EVENT_TIME: &'static str = "e.at";

    fn select_event_facts(column: &str) -> String {
        column.to_owned()
    }

    fn event_time(time: SystemTime) -> Value<'static> {
        let time = Timestamp::rounded_up(time).unwrap_or(Timestamp::nearest(time));
        Value::Text(Some(millis(time).into()))
    }

    fn event_position(text: &str) -> Option<Value<'static>> {
        let time = text.parse().ok().and_then(|micros| Timestamp::from_micros(micros).ok());
        let text = time.map_or_else(|| text.to_owned(), millis);
        (!text.is_empty()).then(|| Value::Text(Some(text.into())))
    }
}

/// Formats a time as the triggers do, in milliseconds and rounded up.
fn millis(time: Timestamp) -> String {
    let millis = time.micros().div_ceil(1_000);
    let second = Timestamp::from_micros(millis / 1_000 * 1_000_000).unwrap_or(Timestamp::LAST);
    let text = second.whole_second().to_string();
    format!("{}.{:03}Z", text.trim_end_matches('Z'), millis % 1_000)
}

/// The members of a JSON column. A malformed value must not fail the statement, and has no members.
fn members(column: &str) -> String {
    format!("json_each(iif(json_valid({column}), {column}, null))")
}

/// Returns the statement that inserts a row, with the arguments of [`insert_values`].
pub(super) fn insert_statement<T>(table: &'static Table<T>) -> String {
    let names = table.columns.iter().map(|column| column.name.to_owned());
    let ordered = ordered_times(table).map(|(column, _)| format!("stored_{}_order", column.name));
    let names = names.chain(ordered).collect::<Vec<_>>();
    let values = (1..=names.len()).map(|number| format!("${number}"));
    let values = values.collect::<Vec<_>>().join(", ");
    let (table, names) = (sql::table::<Sqlite, _>(table), names.join(", "));
    format!("insert into {table} ({names}) values ({values}) on conflict do nothing")
}

pub(super) fn insert_values<'a, T>(
    table: &'static Table<T>,
    row: &'a T,
) -> impl Iterator<Item = Value<'a>> {
    let ordered = ordered_times(table).map(|(column, missing)| match column.value(row) {
        Value::Time(Some(time)) => Sqlite::order_value(time),
        _ => Value::Number(missing),
    });
    table.columns.iter().map(|column| column.value(row)).chain(ordered)
}

/// The times by which lists are sorted, and the numbers that stand for missing ones. A trigger would write them, but
/// each row twice.
fn ordered_times<T>(table: &'static Table<T>) -> impl Iterator<Item = (&'static Column<T>, i64)> {
    table.columns.iter().filter_map(|column| match column.name {
        "created" => Some((column, 0)),
        "expires" => Some((column, Timestamp::LAST.micros().cast_signed())),
        _ => None,
    })
}

pub(super) fn bind<'q>(statement: Statement<'q>, value: &Value<'_>) -> Statement<'q> {
    match value {
        Value::Bytes(bytes) => statement.bind(bytes.clone()),
        Value::Text(text) => statement.bind(text.as_deref().map(str::to_owned)),
        Value::Texts(texts) => statement.bind(json!(texts).to_string()),
        Value::Flag(flag) => statement.bind(*flag),
        Value::Number(number) => statement.bind(*number),
        Value::Time(time) => statement.bind(time.map(|time| time.to_string())),
    }
}

/// The driver reads null as an empty text or zero unless it is decoded as an `Option`.
impl Values for SqliteRow {
    const TIME: &'static str = "a time of RFC 3339";

    fn bytes(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, ValueError> {
        self.try_get(index).map(|bytes: Option<_>| bytes.map(Cow::Borrowed)).map_err(|_| ValueError)
    }

    fn text(&self, index: usize) -> Result<Option<&str>, ValueError> {
        self.try_get(index).map_err(|_| ValueError)
    }

    fn texts(&self, index: usize) -> Result<Option<Vec<String>>, ValueError> {
        match self.text(index)? {
            None => Ok(None),
            Some("[]") => Ok(Some(Vec::new())),
            Some(text) => serde_json::from_str(text).map(Some).map_err(|_| ValueError),
        }
    }

    fn flag(&self, index: usize) -> Result<Option<bool>, ValueError> {
        match self.number(index)? {
            None => Ok(None),
            Some(number @ 0..=1) => Ok(Some(number == 1)),
            Some(_) => Err(ValueError),
        }
    }

    fn time(&self, index: usize, rounding: Rounding) -> Result<Option<Timestamp>, ValueError> {
        self.text(index)?
            .map(|text| Timestamp::parse(text, rounding))
            .transpose()
            .map_err(|_| ValueError)
    }

    fn event_position(&self, index: usize) -> Result<String, ValueError> {
        let text = self.text(index)?.ok_or(ValueError)?;
        // Hand-written rows may have the same time in another notation, which sorts differently.
        let time = Timestamp::parse(text, Rounding::Down).ok().filter(|time| millis(*time) == text);
        Ok(time.map_or_else(|| text.to_owned(), |time| time.micros().to_string()))
    }

    fn number(&self, index: usize) -> Result<Option<i64>, ValueError> {
        self.try_get(index).map_err(|_| ValueError)
    }

    fn order_time(&self, index: usize) -> Result<Option<Timestamp>, ValueError> {
        let Some(micros) = self.number(index)? else { return Ok(None) };
        let time = u64::try_from(micros).map(Timestamp::from_micros);
        Ok(Some(time.map_err(|_| ValueError)?.map_err(|_| ValueError)?))
    }
}
