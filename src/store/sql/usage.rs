//! The tables of usage: writes batches, and reads sums.

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

/// The parts of the usage statements that differ between databases.
pub(in crate::store) trait UsageDialect: Dialect {
    /// A table of the elements of the JSON array `$1`.
    const ELEMENTS: &'static str;
    /// The column with an element.
    const ELEMENT: &'static str;
    /// Selects whether this transaction may move counts. Only one transaction at a time may.
    const MAY_ROLL_UP: &'static str;

    /// Returns the statements that delete rows, and insert the rows that `insert` selects from them.
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

/// Converts client names to an argument. PostgreSQL refuses zero bytes in texts, so usage has another character
/// instead.
fn names(clients: &BTreeSet<String>) -> Value<'static> {
    Value::Texts(clients.iter().filter(|name| !name.contains('\0')).cloned().collect())
}

/// Completes an `insert into ... as u`.
const ADD: &str = "on conflict (seconds, start, client, key_id, outcome) \
                   do update set count = u.count + excluded.count";
