//! Selects, binds and decodes columns.

use std::borrow::Cow;
use std::time::SystemTime;

use sqlx::decode::Decode;
use sqlx::postgres::{PgArguments, PgRow, PgValueFormat, Postgres};
use sqlx::query::Query;
use sqlx::{Row as _, ValueRef as _};

use crate::key::{KeyId, Rounding, Timestamp};
use crate::store::sql::{self, Codec, Column, Dialect, KeyTime, Table, Value, ValueError, Values};

impl Dialect for Postgres {
    const PREFIX: &'static str = "keygate.";

    /// A merge join would read all clients that precede the page.
    const BEFORE_PAGE: &'static str = "set local enable_mergejoin = off; ";
    const HAS_STATISTICS: bool = true;
    const READS_ROWS_LATE: bool = false;
    const ORDER_ID: &'static str = "k.key_id";
    const NO_INDEX: &'static str = "";

    /// The casts matter for `copy`, which reports no types. Unprepared statements return text, so times are sent as the
    /// bytes of their binary form.
    fn select<T>(alias: &str, Column { name, codec, .. }: &Column<T>) -> String {
        match codec {
            Codec::Bytes(..) => format!("{alias}.{name}::bytea"),
            Codec::Text(..) | Codec::Json(..) => format!("{alias}.{name}::text"),
            Codec::Texts(..) => format!("{alias}.{name}::text[]"),
            Codec::Flag(..) => format!("{alias}.{name}::boolean"),
            Codec::Time(..) => format!("pg_catalog.timestamptz_send({alias}.{name})"),
        }
    }

    fn in_list(list: &str) -> String {
        format!("= any({list})")
    }

    fn has_id_in(list: &str) -> String {
        format!("k.key_id {}", Self::in_list(list))
    }

    fn overlaps(column: &str, list: &str) -> String {
        format!("{column} && {list}")
    }

    fn is_empty(column: &str) -> String {
        format!("{column} = '{{}}'")
    }

    fn member(column: &str, name: &str) -> String {
        format!("{column} ->> {name}")
    }

    /// Compared by bytes, whatever the language of the database.
    fn lower(text: &str) -> String {
        format!("pg_catalog.lower({text} collate \"C\")")
    }

    fn order_time(time: KeyTime) -> String {
        let (first, last) = ("1970-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00");
        // `greatest` and `least` ignore null. `infinity` and times before 1970 are unreadable, but must have a place in
        // the order.
        let first_if_null = |column| format!("least(greatest({column}, '{first}'), '{last}')");
        match time {
            KeyTime::Created => first_if_null("k.created"),
            KeyTime::NotBefore => first_if_null("k.not_before"),
            KeyTime::Expires => format!("greatest(least(k.expires, '{last}'), '{first}')"),
        }
    }

    fn select_order_time(time: KeyTime) -> String {
        format!("pg_catalog.timestamptz_send({})", Self::order_time(time))
    }

    fn order_value(time: Timestamp) -> Value<'static> {
        Value::Time(Some(time))
    }

    fn order_id_value(key_id: KeyId, _: bool) -> Value<'static> {
        key_id.into()
    }

    const EVENT_TIME: &'static str = "pg_catalog.timestamptz_send(e.at)";

    /// `to_jsonb` writes the offset of a time as `+00:00`.
    fn select_event_facts(column: &str) -> String {
        format!(
            "cast(case pg_catalog.jsonb_typeof({column}) when 'object' then {column} || coalesce((\
             select pg_catalog.jsonb_object_agg(fact.key, pg_catalog.replace(fact.value, '+00:00', 'Z')) \
             from pg_catalog.jsonb_each_text({column}) fact \
             where fact.key in ('created', 'expires', 'revoked', 'not_before') and fact.value is not null\
             ), '{{}}') else {column} end as text)"
        )
    }

    fn event_time(time: SystemTime) -> Value<'static> {
        Value::Time(Some(Timestamp::rounded_up(time).unwrap_or(Timestamp::nearest(time))))
    }

    fn event_position(text: &str) -> Option<Value<'static>> {
        Some(Value::Time(Some(Timestamp::from_micros(text.parse().ok()?).ok()?)))
    }

    fn indexed_actor(actor: &str) -> String {
        format!("pg_catalog.left({actor}, 128)")
    }
}

/// Returns the statement that inserts many rows, with an array for each column.
pub(super) fn insert_statement<T>(table: &'static Table<T>) -> String {
    let names = table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let [values, arrays] = [insert_value::<T>, array_type::<T>].map(|part| {
        let parts = (1..).zip(table.columns).map(|(number, column)| part(number, column));
        parts.collect::<Vec<_>>().join(", ")
    });
    format!(
        "insert into {} ({names}) select {values} from unnest({arrays}) as new ({names}) \
         on conflict do nothing",
        sql::table::<Postgres, _>(table)
    )
}

fn insert_value<T>(_: usize, Column { name, codec, .. }: &Column<T>) -> String {
    match codec {
        Codec::Json(..) => format!("{name}::jsonb"),
        Codec::Time(..) => format!("{name}::timestamptz"),
        // PostgreSQL has no arrays of arrays with different lengths, so each list is joined by blanks, which its texts
        // do not contain.
        Codec::Texts(..) => format!("string_to_array({name}, ' ')"),
        Codec::Bytes(..) | Codec::Text(..) | Codec::Flag(..) => (*name).to_owned(),
    }
}

fn array_type<T>(number: usize, column: &Column<T>) -> String {
    let of = match column.codec {
        Codec::Bytes(..) => "bytea",
        Codec::Flag(..) => "boolean",
        Codec::Text(..) | Codec::Json(..) | Codec::Texts(..) | Codec::Time(..) => "text",
    };
    format!("${number}::{of}[]")
}

/// Binds the values of a column in these rows.
pub(super) fn bind_column<'q, T>(
    statement: Query<'q, Postgres, PgArguments>,
    column: &Column<T>,
    rows: &[T],
) -> Query<'q, Postgres, PgArguments> {
    let rows = rows.iter();
    match &column.codec {
        Codec::Bytes(get, _) => statement.bind(rows.map(get).collect::<Vec<_>>()),
        Codec::Text(get, _) | Codec::Json(get, _) => {
            statement.bind(rows.map(|row| get(row).map(Cow::into_owned)).collect::<Vec<_>>())
        }
        Codec::Texts(get, _) => {
            statement.bind(rows.map(|row| get(row).join(" ")).collect::<Vec<_>>())
        }
        Codec::Flag(get, _) => statement.bind(rows.map(get).collect::<Vec<_>>()),
        Codec::Time(_, get, _) => statement
            .bind(rows.map(|row| get(row).map(|time| time.to_string())).collect::<Vec<_>>()),
    }
}

impl Values for PgRow {
    const TIME: &'static str = "between 1970 and 9999";

    fn bytes(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, ValueError> {
        let value = self.try_get_raw(index).map_err(|_| ValueError)?;
        if value.is_null() {
            return Ok(None);
        }
        match value.format() {
            PgValueFormat::Binary => {
                value.as_bytes().map(|bytes| Some(Cow::Borrowed(bytes))).map_err(|_| ValueError)
            }
            // Unprepared statements return bytes in hex.
            PgValueFormat::Text => {
                decoded::<Vec<u8>>(self, index).map(|bytes| bytes.map(Cow::Owned))
            }
        }
    }

    fn text(&self, index: usize) -> Result<Option<&str>, ValueError> {
        decoded(self, index)
    }

    fn texts(&self, index: usize) -> Result<Option<Vec<String>>, ValueError> {
        decoded(self, index)
    }

    fn flag(&self, index: usize) -> Result<Option<bool>, ValueError> {
        decoded(self, index)
    }

    fn time(&self, index: usize, _: Rounding) -> Result<Option<Timestamp>, ValueError> {
        let Some(bytes) = self.bytes(index)? else { return Ok(None) };
        let micros = (&*bytes).try_into().map_err(|_| ValueError)?;
        timestamp(i64::from_be_bytes(micros)).map(Some).ok_or(ValueError)
    }

    fn number(&self, index: usize) -> Result<Option<i64>, ValueError> {
        self.try_get(index).map_err(|_| ValueError)
    }
}

/// Decodes a value that the statement casts to its type. Skips the driver's check of the type, since a load decodes
/// millions of values.
fn decoded<'r, T: Decode<'r, Postgres>>(
    row: &'r PgRow,
    index: usize,
) -> Result<Option<T>, ValueError> {
    row.try_get_unchecked(index).map_err(|_| ValueError)
}

const EPOCH: i64 = 946_684_800_000_000;

/// Converts a `timestamptz` from the server's microseconds since 2000. The driver's own type panics at
/// `infinity`.
pub(in crate::store) fn timestamp(micros: i64) -> Option<Timestamp> {
    Timestamp::from_micros(micros.checked_add(EPOCH)?.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_decoded_or_refused() {
        for (micros, since) in [(-EPOCH, 0), (250_123, 946_684_800_250_123)] {
            assert_eq!(timestamp(micros), Timestamp::from_micros(since).ok());
        }
        let end = Timestamp::END.cast_signed() - EPOCH;
        assert!(timestamp(end - 1).is_some());
        for micros in [i64::MIN, i64::MAX, -EPOCH - 1, end] {
            assert_eq!(timestamp(micros), None);
        }
    }
}
