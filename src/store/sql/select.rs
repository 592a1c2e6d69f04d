//! The conditions of a query, as SQL with arguments.

use std::fmt::Display;
use std::marker::PhantomData;

use super::column::Value;
use super::cursor::{self, Dialect};
use crate::manage::Paging;

/// The conditions, order and limit of a statement, and its arguments.
pub(super) struct Select<'q, D> {
    conditions: Vec<String>,
    pub(super) hints: Vec<Count>,
    used_hint: Option<usize>,
    pub(super) values: Vec<Value<'q>>,
    /// Whether a condition for keys reads their clients.
    pub(super) reads_clients: bool,
    /// Whether the keys are found by their clients.
    pub(super) clients_first: bool,
    /// A table of some keys to use as `k`, instead of all of them.
    pub(super) keys: Option<String>,
    order: String,
    dialect: PhantomData<D>,
}

/// A statement that counts the rows of a hint. The count may be capped, but not below `many`.
pub(super) struct Count {
    pub(super) sql: String,
    /// The number of rows from which reading in the order of the list is faster than sorting.
    pub(super) many: usize,
}

/// The rows that the hint finds.
#[derive(Clone, Copy)]
pub(super) enum Rows {
    Clients,
    Keys,
    /// Keys that the index of the list can also check, without their rows.
    ListedKeys,
    /// Keys that are found by their clients.
    ClientsAndKeys,
}

/// A condition with an index whose order differs from that of the list.
pub(super) struct Indexed {
    /// Approximately the same condition, on indexed columns only, so that counting reads no rows.
    pub(super) estimate: String,
    pub(super) exact: String,
}

impl Indexed {
    pub(super) fn exactly(condition: impl Into<String>) -> Self {
        let exact = condition.into();
        Self { estimate: exact.clone(), exact }
    }
}

impl<'q, D: Dialect> Select<'q, D> {
    /// Selects all rows. With `used_hint`, they are found by the hint with this index.
    pub(super) fn new(used_hint: Option<usize>) -> Self {
        Self {
            conditions: Vec::new(),
            hints: Vec::new(),
            used_hint,
            values: Vec::new(),
            reads_clients: false,
            clients_first: false,
            keys: None,
            order: String::new(),
            dialect: PhantomData,
        }
    }

    /// Adds an argument, and returns its placeholder.
    pub(super) fn bind(&mut self, value: impl Into<Value<'q>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    pub(super) fn and(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// Adds a hint that indexes find the rows of the other conditions, with these alternatives.
    pub(super) fn hint(&mut self, rows: Rows, alternatives: &[Indexed]) {
        let (from, id, many) = match rows {
            Rows::Clients => (cursor::clients_table::<D>() + " c", "c.name", 1_500),
            Rows::Keys => (cursor::keys_table::<D>() + " k", "k.digest", 5_000),
            Rows::ListedKeys => (cursor::keys_table::<D>() + " k", "k.digest", 1_000),
            Rows::ClientsAndKeys => (cursor::clients_and_keys::<D>(), "k.digest", 5_000),
        };
        if self.used_hint == Some(self.hints.len()) {
            let found =
                |Indexed { exact, .. }: &_| format!("select {id} from {from} where {exact}");
            let found = alternatives.iter().map(found).collect::<Vec<_>>().join(" union all ");
            self.and(format!("{id} in ({found})"));
        }
        let count = |Indexed { estimate, .. }: &_| {
            format!("(select count(*) from (select 1 from {from} where {estimate} limit {many}))")
        };
        let counts = alternatives.iter().map(count).collect::<Vec<_>>().join(" + ");
        self.hints.push(Count { sql: format!("select {counts}"), many });
    }

    /// Returns the tables of keys and, if needed, their clients, and the column with the name of the client.
    pub(super) fn tables(&self) -> (String, &'static str) {
        if self.clients_first {
            return (cursor::clients_and_keys::<D>(), "c.name");
        }
        let keys = self.keys.clone().unwrap_or_else(|| cursor::keys_table::<D>() + " k");
        // SQLite reads the row for the name of a client, even of one that it then leaves out.
        let joins = self.reads_clients || !D::READS_ROWS_LATE;
        let client = if joins { cursor::with_client::<D>() } else { String::new() };
        (format!("{keys} {client}"), "k.client")
    }

    /// Orders the rows by these columns, limits them, and begins behind the values of a cursor.
    pub(super) fn page(
        &mut self,
        paging: &Paging,
        after: Option<Vec<Value<'q>>>,
        by: &[impl Display],
    ) {
        let by = by.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (than, direction) = if paging.descending { ("<", " desc") } else { (">", "") };
        if let Some(after) = after {
            let after = after.into_iter().map(|value| self.bind(value)).collect::<Vec<_>>();
            self.and(format!("({}) {than} ({})", by.join(", "), after.join(", ")));
        }
        let by = by.iter().map(|column| format!("{column}{direction}")).collect::<Vec<_>>();
        // One more, to know whether there is another page.
        self.order = format!(" order by {} limit {}", by.join(", "), paging.limit + 1);
    }

    /// Returns the end of the statement, after the tables.
    pub(super) fn clauses(&self) -> String {
        let conditions = self.conditions.join(" and ");
        let keyword = if conditions.is_empty() { "" } else { " where " };
        format!("{keyword}{conditions}{}", self.order)
    }

    /// Returns the order and the limit alone.
    pub(super) fn order(&self) -> &str {
        &self.order
    }
}
