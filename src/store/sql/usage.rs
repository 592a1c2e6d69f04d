//! The tables of usage: writing batches, and reading sums.

use std::collections::BTreeSet;

use super::column::Value;
use super::cursor::{Cursor, Dialect, ValueError, Values};
use super::transaction::{Database, Transaction};

mod last_uses;
mod reading;
mod roll_up;
mod writing;

pub(in crate::store) use last_uses::{read_clients_by_last_use, read_last_uses, read_last_uses_of};
pub(in crate::store) use reading::{read_counts, read_watch};
pub(in crate::store) use writing::write_usage;

/// The differences between the databases in the statements of usage.
pub(in crate::store) trait UsageDialect: Dialect {
    /// The elements of the JSON array `$1`, as a table.
    const ELEMENTS: &'static str;
    /// One of these elements.
    const ELEMENT: &'static str;
    /// Selects whether this transaction may move counts. No other one may until it ends.
    const MAY_ROLL_UP: &'static str;

    /// Returns the statements that delete rows and insert what `insert` selects from them.
    fn move_rows(table: &str, condition: &str, insert: impl Fn(&str) -> String) -> Vec<String>;
}

type DialectOf<B> = <<B as Database>::Transaction as Transaction>::Dialect;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn table<D: Dialect>(name: &str) -> String {
    format!("{}usage_{name}", D::PREFIX)
}

fn text<R: Values>(cursor: &mut Cursor<'_, R>) -> Result<String, ValueError> {
    Ok(cursor.text()?.unwrap_or_default().to_owned())
}

/// Names of clients as an argument. PostgreSQL has no text with a zero byte: usage has another character in its place.
fn names(clients: &BTreeSet<String>) -> Value<'static> {
    Value::Texts(clients.iter().filter(|name| !name.contains('\0')).cloned().collect())
}

/// Completes an `insert into ... as u`.
const ADD: &str = "on conflict (seconds, start, client, key_id, outcome) \
                   do update set count = u.count + excluded.count";
