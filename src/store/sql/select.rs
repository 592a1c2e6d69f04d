//! The conditions of a query, as SQL with arguments.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::SystemTime;

use super::column::Value;
use super::cursor::Dialect;
use crate::client::Scope;
use crate::key::Timestamp;
use crate::manage::{ClientQuery, ExpiryFilter, KeyQuery, KeyStatus, Paging, Prefix};

/// The conditions, order and limit of a statement, and its arguments.
pub(super) struct Select<'q, D> {
    conditions: Vec<String>,
    pub(super) values: Vec<Value<'q>>,
    order: String,
    dialect: PhantomData<D>,
}

impl<'q, D: Dialect> Select<'q, D> {
    /// The filters for clients `c`.
    pub(super) fn clients(query: &'q ClientQuery) -> Self {
        let ClientQuery { paging: _, search, enabled, scope, metadata } = query;
        let mut select = Self::new();
        if let Some(enabled) = enabled {
            select.and(if *enabled { "c.enabled" } else { "not c.enabled" });
        }
        select.and_search(search.as_ref(), &[&D::lower("c.name")]);
        select.and_client(scope.as_ref(), metadata);
        select
    }

    /// The filters for keys `k` of clients `c`.
    pub(super) fn keys(query: &'q KeyQuery, now: SystemTime) -> Self {
        let KeyQuery { paging: _, sort: _, at, search, client, label, statuses, .. } = query;
        let KeyQuery { scope, metadata, expiry, only, except, .. } = query;
        let mut select = Self::new();
        let now = at.unwrap_or(now);
        if let Some(client) = client {
            let client = select.bind(&**client);
            select.and(format!("k.client = {client}"));
        }
        if let Some(label) = label {
            let label = select.bind(&**label);
            // The index has the texts in lower case.
            let lower = D::lower(&label);
            select.and(format!("k.label = {label} and {} = {lower}", D::lower("k.label")));
        }
        if !statuses.is_empty() {
            let now = select.bind(D::order_value(Timestamp::nearest(now)));
            let statuses = statuses.iter().map(|status| status_is::<D>(*status, &now));
            let statuses = statuses.collect::<Vec<_>>().join(" or ");
            select.and(format!("({statuses})"));
        }
        if let Some(expiry) = expiry {
            select.and_expiry(*expiry, now);
        }
        for (ids, not) in only.iter().map(|ids| (ids, "")).chain([(except, "not ")]) {
            if !(ids.is_empty() && not == "not ") {
                let ids = ids.iter().map(ToString::to_string).collect();
                let ids = select.bind(Value::Texts(ids));
                select.and(format!("{not}(k.key_id {})", D::in_list(&ids)));
            }
        }
        select.and_search(search.as_ref(), &[&D::lower("k.label"), "k.key_id"]);
        select.and_client(scope.as_ref(), metadata);
        select
    }

    fn new() -> Self {
        let (conditions, values, order) = Default::default();
        Self { conditions, values, order, dialect: PhantomData }
    }

    /// Adds an argument, and returns its placeholder.
    fn bind(&mut self, value: impl Into<Value<'q>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn and(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// Finds rows with a text in lower case that begins with the prefix.
    fn and_search(&mut self, prefix: Option<&'q Prefix>, lower: &[&str]) {
        let Some((begin, end)) = prefix.map(Prefix::range) else { return };
        let begin = self.bind(begin);
        let end = end.map(|end| self.bind(Value::Text(Some(end.into()))));
        let within = |text: &&str| match &end {
            Some(end) => format!("({text} >= {begin} and {text} < {end})"),
            None => format!("{text} >= {begin}"),
        };
        let found = lower.iter().map(within).collect::<Vec<_>>().join(" or ");
        self.and(format!("({found})"));
    }

    fn and_client(&mut self, scope: Option<&'q Scope>, metadata: &'q BTreeMap<String, String>) {
        if let Some(scope) = scope {
            let scopes = self.bind(Value::Texts(scope.covering()));
            self.and(D::overlaps("c.scopes", &scopes));
        }
        for (name, value) in metadata {
            let [name, value] = [name, value].map(|text| self.bind(&**text));
            self.and(format!("{} = {value}", D::member("c.metadata", &name)));
        }
    }

    fn and_expiry(&mut self, expiry: ExpiryFilter, now: SystemTime) {
        let expires = D::order_time("k.expires");
        match expiry {
            ExpiryFilter::Never => {
                let never = self.bind(D::order_value(Timestamp::LAST));
                // The index has a time in the place of null.
                self.and(format!("k.expires is null and {expires} = {never}"));
            }
            ExpiryFilter::Within(time) => {
                let end = now.checked_add(time).map_or(Timestamp::LAST, Timestamp::nearest);
                let [now, end] =
                    [Timestamp::nearest(now), end].map(|time| self.bind(D::order_value(time)));
                self.and(format!(
                    "k.revoked is null and k.expires is not null and {expires} > {now} and {expires} <= {end}"
                ));
            }
        }
    }

    /// Orders the rows by these columns, limits them, and begins behind the values of a cursor.
    pub(super) fn page(&mut self, paging: &Paging, after: Option<Vec<Value<'q>>>, by: &[String]) {
        let (than, direction) = if paging.descending { ("<", " desc") } else { (">", "") };
        if let Some(after) = after {
            let after = after.into_iter().map(|value| self.bind(value)).collect::<Vec<_>>();
            self.and(format!("({}) {than} ({})", by.join(", "), after.join(", ")));
        }
        let by = by.iter().map(|column| format!("{column}{direction}")).collect::<Vec<_>>();
        // One more, to know whether there is another page.
        self.order = format!(" order by {} limit {}", by.join(", "), paging.limit + 1);
    }

    /// Returns the end of the statement, behind the tables.
    pub(super) fn clauses(&self) -> String {
        let conditions = self.conditions.join(" and ");
        let keyword = if conditions.is_empty() { "" } else { " where " };
        format!("{keyword}{conditions}{}", self.order)
    }
}

/// The condition for keys with this status at the time of a placeholder.
fn status_is<D: Dialect>(status: KeyStatus, now: &str) -> String {
    let expired = format!("(k.expires is not null and {} <= {now})", D::order_time("k.expires"));
    let lives = format!("k.revoked is null and not {expired}");
    let condition = match status {
        KeyStatus::Revoked => "k.revoked is not null".to_owned(),
        KeyStatus::Expired => format!("k.revoked is null and {expired}"),
        KeyStatus::Disabled => format!("{lives} and not c.enabled"),
        KeyStatus::Replaced => format!("{lives} and c.enabled and k.replaced_by is not null"),
        KeyStatus::Active => format!("{lives} and c.enabled and k.replaced_by is null"),
    };
    format!("({condition})")
}
