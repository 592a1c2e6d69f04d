//! Reads rows, one column after the other.

use std::borrow::Cow;
use std::time::SystemTime;

use super::column::{Codec, Column, KeyTime, Table, Value};
use super::columns::{CLIENTS, KEYS};
use super::row::{BadRow, KeyRow, PartialRow};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId, KeyState, Rounding, Timestamp};
use crate::manage::{ClientFacts, KeyFacts};
use crate::store::KeyRecord;

/// The differences between the databases in names, types and rows.
pub(in crate::store) trait Dialect: sqlx::Database<Row: Values> {
    /// The prefix of table names.
    const PREFIX: &'static str;

    /// Statements that precede one that reads a page.
    const BEFORE_PAGE: &'static str;
    /// Whether the planner knows how many rows a condition selects, and chooses well.
    const HAS_STATISTICS: bool;
    /// Whether the rows of a page are read only after indexes alone have found their digests.
    const READS_ROWS_LATE: bool;
    /// The column that orders keys as their ids do.
    const ORDER_ID: &'static str;
    /// A prefix of an expression that keeps a planner without statistics from using its index.
    const NO_INDEX: &'static str;

    /// Returns the expression that selects a column of the table with this alias.
    fn select<T>(alias: &str, column: &Column<T>) -> String;

    /// Returns the condition, to follow a text, that the text is in a list.
    fn in_list(list: &str) -> String;

    /// Returns the condition for keys `k` whose ids are in a list.
    fn has_id_in(list: &str) -> String;

    /// Returns a table of the keys `k` whose ids are in a list, if that is faster than a condition.
    fn keys_with_ids(_: &str) -> Option<String> {
        None
    }

    /// Returns the condition that a column of texts contains at least one text of a list.
    fn overlaps(column: &str, list: &str) -> String;

    /// Returns the condition that a column of texts is empty.
    fn is_empty(column: &str) -> String;

    /// Returns the expression for the value under a name in a JSON column.
    fn member(column: &str, name: &str) -> String;

    /// Returns the expression that converts the letters A to Z of a text to lower case, as in the indexes.
    fn lower(text: &str) -> String;

    /// Returns the expression that sorts and filters lists by a time, as in the indexes. It is never null: an unknown time
    /// of issue sorts first, and a missing expiry last.
    fn order_time(time: KeyTime) -> String;

    /// Returns the expression that selects [`Dialect::order_time`].
    fn select_order_time(time: KeyTime) -> String {
        Self::order_time(time)
    }

    /// Returns the argument that is compared with [`Dialect::order_time`].
    fn order_value(time: Timestamp) -> Value<'static>;

    /// Returns the argument that is compared with [`Dialect::ORDER_ID`], for the keys behind this one.
    fn order_id_value(key_id: KeyId, is_descending: bool) -> Value<'static>;

    /// The expression that selects the time `e.at` of an event.
    const EVENT_TIME: &'static str;

    /// The expression that selects the facts in a column of an event, as the text of a JSON object whose times end in
    /// `Z`.
    fn select_event_facts(column: &str) -> String;

    /// Returns this time, rounded up to the precision of events, for comparisons with `e.at`.
    fn event_time(time: SystemTime) -> Value<'static>;

    /// Returns the argument that is compared with `e.at`, from [`Values::event_position`].
    fn event_position(text: &str) -> Option<Value<'static>>;

    /// Returns the part of an actor's name that is in the index, which may limit the length of a text.
    fn indexed_actor(actor: &str) -> String {
        actor.to_owned()
    }
}

/// The values of a row, by position. `None` is null.
pub(in crate::store) trait Values {
    /// Completes "its `expires` is not ...".
    const TIME: &'static str;

    fn bytes(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, ValueError>;
    fn text(&self, index: usize) -> Result<Option<&str>, ValueError>;
    fn texts(&self, index: usize) -> Result<Option<Vec<String>>, ValueError>;
    fn flag(&self, index: usize) -> Result<Option<bool>, ValueError>;
    fn time(&self, index: usize, rounding: Rounding) -> Result<Option<Timestamp>, ValueError>;
    fn number(&self, index: usize) -> Result<Option<i64>, ValueError>;
    /// Reads [`Dialect::EVENT_TIME`] as a text, in full precision, for cursors.
    fn event_position(&self, index: usize) -> Result<String, ValueError> {
        Ok(self.time(index, Rounding::Down)?.ok_or(ValueError)?.micros().to_string())
    }
    /// Reads [`Dialect::select_order_time`].
    fn order_time(&self, index: usize) -> Result<Option<Timestamp>, ValueError> {
        self.time(index, Rounding::Down)
    }
}

/// The error for a value of another type, or out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database returned a value of an unexpected type")]
pub(in crate::store) struct ValueError;

/// A row, and the position of the next column.
pub(in crate::store) struct Cursor<'r, R> {
    row: &'r R,
    next: usize,
}

impl<'r, R: Values> Cursor<'r, R> {
    pub(in crate::store) fn new(row: &'r R) -> Self {
        Self { row, next: 0 }
    }

    fn advance(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    pub(in crate::store) fn text(&mut self) -> Result<Option<&'r str>, ValueError> {
        self.row.text(self.advance())
    }

    pub(in crate::store) fn flag(&mut self) -> Result<Option<bool>, ValueError> {
        self.row.flag(self.advance())
    }

    /// Reads a digest.
    pub(super) fn digest(&mut self) -> Result<Option<KeyDigest>, ValueError> {
        let bytes = self.row.bytes(self.advance())?;
        let digest = bytes.map(|bytes| (&*bytes).try_into().map(KeyDigest::from_bytes));
        digest.transpose().map_err(|_| ValueError)
    }

    /// Reads a number; null counts as zero.
    pub(in crate::store) fn count(&mut self) -> Result<usize, ValueError> {
        let count = self.row.number(self.advance())?.unwrap_or(0);
        usize::try_from(count).map_err(|_| ValueError)
    }

    pub(super) fn order_time(&mut self) -> Result<Timestamp, ValueError> {
        self.row.order_time(self.advance())?.ok_or(ValueError)
    }

    /// Reads a column of `into`. An error is a phrase about its value.
    fn read<T>(&mut self, column: &Column<T>, into: &mut T) -> Result<(), String> {
        let (row, index) = (self.row, self.advance());
        let is_not = |form: &str| format!("its `{}` is not {form}", column.name);
        match &column.codec {
            Codec::Bytes(_, set) => {
                let bytes = row.bytes(index).map_err(|_| is_not("binary"))?;
                set(into, &bytes.ok_or_else(|| is_not("set"))?)
            }
            Codec::Text(_, set) | Codec::Json(_, set) => {
                set(into, row.text(index).map_err(|_| is_not("text"))?)
            }
            Codec::Texts(_, set) => {
                let texts = row.texts(index).ok().flatten();
                set(into, &texts.ok_or_else(|| is_not("a list of texts"))?)
            }
            Codec::Flag(_, set) => {
                let flag = row.flag(index).ok().flatten();
                set(into, flag.ok_or_else(|| is_not("true or false"))?);
                Ok(())
            }
            Codec::Time(rounding, _, set) => {
                set(into, row.time(index, *rounding).map_err(|_| is_not(R::TIME))?);
                Ok(())
            }
        }
    }

    /// Reads a client whose row has a name.
    pub(in crate::store) fn client(&mut self) -> Result<PartialRow<ClientFacts>, BadRow> {
        // The name is the first column.
        let name = self.row.text(self.next).ok().flatten().unwrap_or_default();
        // An invalid value is read as enabled, so that the client can be disabled.
        let mut row = ClientFacts { profile: ClientProfile::new(name), enabled: true };
        let mut error = None;
        for (number, column) in CLIENTS.columns.iter().enumerate() {
            match self.read(column, &mut row) {
                Err(why) if number == 0 => return Err(BadRow::client("?", why)),
                Err(why) => _ = error.get_or_insert(BadRow::client(row.profile.name(), why)),
                Ok(()) => {}
            }
        }
        if error.is_none()
            && let Err(invalid) = row.profile.validate()
        {
            error = Some(BadRow::client(row.profile.name(), invalid.to_string()));
        }
        Ok(PartialRow { row, error })
    }

    /// Reads the columns of a key whose row has a digest.
    fn key_columns<'c>(
        &mut self,
        columns: impl Iterator<Item = &'c Column<KeyFacts>>,
    ) -> Result<PartialRow<KeyFacts>, BadRow> {
        let mut row = KeyFacts::new(KeyDigest::from_bytes([0; 32]), "");
        let mut error = None;
        for (number, column) in columns.enumerate() {
            match self.read(column, &mut row) {
                Err(why) if number == 0 => {
                    return Err(BadRow { subject: "a key".to_owned(), why });
                }
                Err(why) => _ = error.get_or_insert(BadRow::key(row.key_id(), why)),
                Ok(()) => {}
            }
        }
        Ok(PartialRow { row, error })
    }

    /// Reads a row of [`keys`].
    pub(in crate::store) fn key(&mut self) -> Result<PartialRow<KeyRow>, BadRow> {
        let PartialRow { row: facts, mut error } = self.key_columns(KEYS.columns.iter())?;
        let enabled = self.flag().ok().flatten();
        if enabled.is_none() {
            error.get_or_insert(BadRow::key(facts.key_id(), NO_CLIENT));
        }
        Ok(PartialRow { row: KeyRow { facts, enabled: enabled.unwrap_or_default() }, error })
    }

    /// Reads the [`key_columns`].
    pub(in crate::store) fn authenticating_key(&mut self) -> Result<PartialRow<KeyFacts>, BadRow> {
        self.key_columns(authenticating())
    }

    /// Reads the [`record_columns`]. If the key is known to be revoked, its other columns may be invalid.
    pub(in crate::store) fn record(&mut self, is_revoked: bool) -> Result<KeyRecord, BadRow> {
        let mut key = self.authenticating_key()?;
        if matches!(self.row.text(self.next), Ok(None)) {
            return Err(BadRow::key(key.row.key_id(), NO_CLIENT));
        }
        let ClientFacts { profile, enabled } = self.client()?.complete()?;
        if is_revoked {
            key.error = None;
        }
        let record = KeyRecord::of(&key.complete()?, &profile, enabled);
        Ok(if is_revoked { record.with_state(KeyState::Revoked) } else { record })
    }
}

const NO_CLIENT: &str = "its client does not exist";

fn authenticating() -> impl Iterator<Item = &'static Column<KeyFacts>> {
    KEYS.columns.iter().filter(|column| column.authenticates)
}

/// The columns of a client `c`, for [`Cursor::client`].
pub(in crate::store) fn client_columns<D: Dialect>() -> String {
    select::<D, _>("c", CLIENTS.columns.iter())
}

/// The columns of a key `k` that authentication needs, for [`Cursor::authenticating_key`].
pub(in crate::store) fn key_columns<D: Dialect>() -> String {
    select::<D, _>("k", authenticating())
}

/// The columns of a key `k` and its client `c`, for [`Cursor::record`].
pub(in crate::store) fn record_columns<D: Dialect>() -> String {
    format!("{}, {}", key_columns::<D>(), client_columns::<D>())
}

/// The beginning of a statement that selects keys, for [`Cursor::key`]. A condition may follow.
pub(super) fn keys<D: Dialect>() -> String {
    keys_with::<D>("", &format!("{} k {}", keys_table::<D>(), with_client::<D>()))
}

/// The same with other columns first, each followed by a comma, and with these tables.
pub(super) fn keys_with<D: Dialect>(first: &str, tables: &str) -> String {
    let keys = select::<D, _>("k", KEYS.columns.iter());
    format!("select {first}{keys}, c.enabled from {tables}")
}

/// All clients `c`, each with its keys `k`. SQLite reads a cross join in this order.
pub(super) fn clients_and_keys<D: Dialect>() -> String {
    let (clients, keys) = (clients_table::<D>(), keys_table::<D>());
    format!("{clients} c cross join {keys} k on k.client = c.name")
}

/// Selects all clients `c`: these other columns, the columns of the client, and the number of its keys.
pub(super) fn counted_clients<D: Dialect>(first: &str) -> String {
    format!(
        "select {first}{}, (select count(*) from {} k where k.client = c.name and k.revoked is null) from {} c",
        client_columns::<D>(),
        table::<D, _>(&KEYS),
        table::<D, _>(&CLIENTS),
    )
}

/// Joins the client of a key `k`.
pub(in crate::store) fn with_client<D: Dialect>() -> String {
    format!("left join {} c on c.name = k.client", table::<D, _>(&CLIENTS))
}

pub(super) fn clients_table<D: Dialect>() -> String {
    table::<D, _>(&CLIENTS)
}

pub(super) fn keys_table<D: Dialect>() -> String {
    table::<D, _>(&KEYS)
}

pub(in crate::store) fn table<D: Dialect, T>(table: &Table<T>) -> String {
    format!("{}{}", D::PREFIX, table.name)
}

fn select<'c, D: Dialect, T: 'static>(
    alias: &str,
    columns: impl Iterator<Item = &'c Column<T>>,
) -> String {
    columns.map(|column| D::select(alias, column)).collect::<Vec<_>>().join(", ")
}
