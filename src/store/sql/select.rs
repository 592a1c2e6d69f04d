//! The conditions of a query, as SQL with arguments.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::marker::PhantomData;
use std::time::SystemTime;

use super::column::Value;
use super::cursor::Dialect;
use crate::client::Scope;
use crate::key::Timestamp;
use crate::manage::{
    ClientQuery, EventQuery, ExpiryFilter, KeyQuery, KeySort, KeyStatus, Paging, Prefix,
};

/// The conditions, order and limit of a statement, and its arguments.
pub(super) struct Select<'q, D> {
    conditions: Vec<String>,
    /// Conditions that an index finds, in another order than that of the list. Each is a list of alternatives.
    found_by_index: Vec<Vec<String>>,
    /// A prefix that keeps an expression from using its index.
    no_index: &'static str,
    pub(super) values: Vec<Value<'q>>,
    order: String,
    dialect: PhantomData<D>,
}

impl<'q, D: Dialect> Select<'q, D> {
    /// The filters for clients `c`.
    pub(super) fn clients(query: &'q ClientQuery, no_index: &'static str) -> Self {
        let ClientQuery { paging: _, search, enabled, scope, metadata } = query;
        let mut select = Self::new(no_index);
        select.and_search(search.as_ref(), &[&D::lower("c.name"), &D::lower("c.title")]);
        if let Some(enabled) = enabled {
            select.and(if *enabled { "c.enabled" } else { "not c.enabled" });
        }
        select.and_client(scope.as_ref(), metadata);
        select
    }

    /// The filters for keys `k` of clients `c`.
    pub(super) fn keys(query: &'q KeyQuery, now: SystemTime, no_index: &'static str) -> Self {
        let KeyQuery { paging: _, sort, at, search, client, label, statuses, .. } = query;
        let KeyQuery { scope, metadata, expiry, only, except, .. } = query;
        let mut select = Self::new(no_index);
        let now = at.unwrap_or(now);
        select.and_search(search.as_ref(), &[&D::lower("k.label"), "k.key_id"]);
        if let Some(expiry) = expiry {
            select.and_expiry(*expiry, now, *sort);
        }
        if let Some(client) = client {
            let client = select.bind(&**client);
            select.and(format!("k.client = {client}"));
        }
        if let Some(label) = label {
            let label = select.bind(&**label);
            // The index has the texts in lower case, and then the order by client.
            let (known, lower) = (D::lower("k.label"), D::lower(&label));
            let found = if *sort == KeySort::Client {
                format!("{known} = {lower}")
            } else {
                select.found_by_index(|no_index| vec![format!("{no_index}{known} = {lower}")])
            };
            // SQLite would put the label into the other condition, which then has no index.
            let plus = D::NO_INDEX.unwrap_or_default();
            select.and(format!("{plus}k.label = {label} and {found}"));
        }
        if !statuses.is_empty() {
            let now = select.bind(D::order_value(Timestamp::nearest(now)));
            let statuses = statuses.iter().map(|status| status_is::<D>(*status, &now));
            let statuses = statuses.collect::<Vec<_>>().join(" or ");
            select.and(format!("({statuses})"));
        }
        for (ids, not) in only.iter().map(|ids| (ids, "")).chain([(except, "not ")]) {
            if !(ids.is_empty() && not == "not ") {
                let ids = ids.iter().map(ToString::to_string).collect();
                let ids = select.bind(Value::Texts(ids));
                select.and(format!("{not}(k.key_id {})", D::in_list(&ids)));
            }
        }
        select.and_client(scope.as_ref(), metadata);
        if let Some(scope) = scope {
            let scopes = select.bind(Value::Texts(scope.covering()));
            let own = D::overlaps("k.scopes", &scopes);
            select.and(format!("({} or {own})", D::is_empty("k.scopes")));
        }
        select
    }

    /// The filters for events `e`.
    pub(super) fn events(query: &'q EventQuery) -> Self {
        let EventQuery { paging: _, client, key_id, actor, action, since, until } = query;
        let mut select = Self::new("");
        if let Some(client) = client {
            let client = select.bind(&**client);
            select.and(format!("e.client = {client}"));
        }
        if let Some(key_id) = key_id {
            let key_id = select.bind(*key_id);
            select.and(format!("e.key_id = {key_id}"));
        }
        if let Some(actor) = actor {
            let actor = select.bind(&**actor);
            let [indexed, beginning] = ["e.actor", &actor].map(D::indexed_actor);
            select.and(format!("{indexed} = {beginning} and e.actor = {actor}"));
        }
        if let Some(action) = action {
            let action = select.bind(action.name());
            select.and(format!("e.action = {action}"));
        }
        for (time, than) in [(since, ">="), (until, "<")] {
            if let Some(time) = time {
                let time = select.bind(D::event_time(*time));
                select.and(format!("e.at {than} {time}"));
            }
        }
        select
    }

    fn new(no_index: &'static str) -> Self {
        let (conditions, found_by_index, values, order) = Default::default();
        Self { conditions, found_by_index, no_index, values, order, dialect: PhantomData }
    }

    /// Returns a condition of alternatives that indexes find in another order than that of the list.
    fn found_by_index(&mut self, alternatives: impl Fn(&str) -> Vec<String>) -> String {
        self.found_by_index.push(alternatives(""));
        format!("({})", alternatives(self.no_index).join(" or "))
    }

    /// Returns the expressions that count the rows that an index finds, up to a limit.
    pub(super) fn counts(&self, from: &str, limit: usize) -> Vec<String> {
        let count = |condition: &String| {
            format!("(select count(*) from (select 1 from {from} where {condition} limit {limit}))")
        };
        let counts = self.found_by_index.iter();
        counts.map(|any| any.iter().map(count).collect::<Vec<_>>().join(" + ")).collect()
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
        let found = self.found_by_index(|no_index| {
            let within = |text: &&str| match &end {
                Some(end) => format!("({no_index}{text} >= {begin} and {no_index}{text} < {end})"),
                None => format!("{no_index}{text} >= {begin}"),
            };
            lower.iter().map(within).collect()
        });
        self.and(found);
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

    fn and_expiry(&mut self, expiry: ExpiryFilter, now: SystemTime, sort: KeySort) {
        let expires = D::order_time("k.expires");
        let mut bind = |time| self.bind(D::order_value(time));
        let (condition, range) = match expiry {
            // The index has a time in the place of null.
            ExpiryFilter::Never => {
                ("k.expires is null", vec![format!("{expires} = {}", bind(Timestamp::LAST))])
            }
            ExpiryFilter::Within(time) => {
                let end = now.checked_add(time).map_or(Timestamp::LAST, Timestamp::nearest);
                let [now, end] = [Timestamp::nearest(now), end].map(bind);
                let range = vec![format!("{expires} > {now}"), format!("{expires} <= {end}")];
                ("k.revoked is null and k.expires is not null", range)
            }
        };
        let range = |no_index: &str| {
            let range = range.iter().map(|condition| format!("{no_index}{condition}"));
            range.collect::<Vec<_>>().join(" and ")
        };
        let range = match sort {
            KeySort::Expires => range(""),
            KeySort::Client | KeySort::Created => {
                self.found_by_index(|no_index| vec![range(no_index)])
            }
        };
        self.and(format!("{condition} and {range}"));
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
    let begins = D::order_time("k.not_before");
    let begins_later = format!("(k.not_before is not null and {begins} > {now})");
    let lives = format!("k.revoked is null and not {expired}");
    let works = format!("{lives} and c.enabled and not {begins_later}");
    let condition = match status {
        KeyStatus::Revoked => "k.revoked is not null".to_owned(),
        KeyStatus::Expired => format!("k.revoked is null and {expired}"),
        KeyStatus::Disabled => format!("{lives} and not c.enabled"),
        KeyStatus::NotYetValid => format!("{lives} and c.enabled and {begins_later}"),
        KeyStatus::Replaced => format!("{works} and k.replaced_by is not null"),
        KeyStatus::Active => format!("{works} and k.replaced_by is null"),
    };
    format!("({condition})")
}
