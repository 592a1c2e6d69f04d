//! Selects, binds and decodes columns.

use std::borrow::Cow;

use sqlx::Row as _;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};

use crate::key::Timestamp;
use crate::store::sql::{self, Argument, Codec, Column, Dialect, Table, ValueError, Values};

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Dialect for Sqlite {
    const PREFIX: &'static str = "keygate_";
    const IN_LIST: &'static str = "in (select value from json_each($1))";

    fn select<T>(alias: &str, column: &Column<T>) -> String {
        format!("{alias}.{}", column.name)
    }
}

/// Returns the statement that inserts a row.
pub(super) fn insert_statement<T>(table: &'static Table<T>) -> String {
    let names = table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let values = (1..=table.columns.len()).map(|number| format!("${number}"));
    let values = values.collect::<Vec<_>>().join(", ");
    let table = sql::table::<Sqlite, _>(table);
    format!("insert into {table} ({names}) values ({values}) on conflict do nothing")
}

/// Binds the value of a column.
pub(super) fn bind_column<'q, T>(
    statement: Statement<'q>,
    column: &Column<T>,
    row: &T,
) -> Statement<'q> {
    match &column.codec {
        Codec::Bytes(get, _) => statement.bind(get(row)),
        Codec::Text(get, _) | Codec::Json(get, _) => statement.bind(get(row).map(Cow::into_owned)),
        Codec::Texts(get, _) => statement.bind(json(&get(row))),
        Codec::Flag(get, _) => statement.bind(get(row)),
        Codec::Time(get, _) => statement.bind(get(row).map(|time| time.to_string())),
    }
}

pub(super) fn bind_argument<'q>(
    statement: Statement<'q>,
    argument: &Argument<'_>,
) -> Statement<'q> {
    match *argument {
        Argument::Text(text) => statement.bind(text.to_owned()),
        Argument::Texts(texts) => statement.bind(json(texts)),
        Argument::Flag(flag) => statement.bind(flag),
        Argument::Time(time) => statement.bind(time.map(|time| time.to_string())),
    }
}

fn json<S: AsRef<str>>(texts: &[S]) -> String {
    texts.iter().map(AsRef::as_ref).collect::<serde_json::Value>().to_string()
}

/// Unless decoded as an `Option`, the driver reads null as an empty text or zero.
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

    fn time(&self, index: usize) -> Result<Option<Timestamp>, ValueError> {
        self.text(index)?.map(str::parse).transpose().map_err(|_| ValueError)
    }

    fn number(&self, index: usize) -> Result<Option<i64>, ValueError> {
        self.try_get(index).map_err(|_| ValueError)
    }
}
