//! The filters of the queries for clients and keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::column::{KeyTime, Value};
use super::cursor::Dialect;
use super::select::{Indexed, Rows, Select};
use crate::client::Scope;
use crate::key::{KeyId, Timestamp};
use crate::manage::{ClientQuery, EventQuery, ExpiryFilter, KeyQuery, KeySort, KeyStatus, Prefix};

impl<'q, D: Dialect> Select<'q, D> {
    /// The filters for clients `c`.
    pub(super) fn clients(query: &'q ClientQuery, used_hint: Option<usize>) -> Self {
        let ClientQuery { paging: _, search, enabled, scope, metadata, only } = query;
        let mut select = Self::new(used_hint);
        let lower = [D::lower("c.name"), D::lower("c.title")];
        select.and_search(Rows::Clients, search.as_ref(), &lower);
        if let Some(enabled) = enabled {
            select.and(if *enabled { "c.enabled" } else { "not c.enabled" });
        }
        if let Some(names) = only {
            // PostgreSQL refuses texts with a zero byte, and no client has such a name.
            let names = names.iter().filter(|name| !name.contains('\0')).cloned().collect();
            let names = select.bind(Value::Texts(names));
            select.and(format!("c.name {}", D::in_list(&names)));
        }
        select.and_client(scope.as_ref(), metadata);
        select
    }

    /// The filters for keys `k` of clients `c`.
    pub(super) fn keys(query: &'q KeyQuery, now: SystemTime, used_hint: Option<usize>) -> Self {
        let KeyQuery {
            paging: _,
            sort,
            at,
            search,
            client,
            label,
            statuses,
            scope,
            metadata,
            expiry,
            only,
            except,
        } = query;
        let mut select = Self::new(used_hint);
        let now = at.unwrap_or(now);
        let lower = [D::lower("k.label"), "k.key_id".to_owned()];
        select.and_search(Rows::Keys, search.as_ref(), &lower);
        if let Some(expiry) = expiry {
            select.and_expiry(*expiry, now, *sort);
        }
        if let Some(client) = client {
            let client = select.bind(&**client);
            select.and(format!("k.client = {client}"));
        }
        if let Some(label) = label {
            select.and_label(label, *sort);
        }
        select.and_statuses(statuses, Timestamp::nearest(now), *sort);
        // A planner without statistics would look up the client of every key in the order of the list.
        select.clients_first = !D::HAS_STATISTICS
            && (*sort, &**statuses) == (KeySort::Client, &[KeyStatus::Disabled])
            && client.is_none()
            && label.is_none()
            && only.is_none()
            && used_hint.is_none();
        let texts =
            |ids: &BTreeSet<KeyId>| Value::Texts(ids.iter().map(KeyId::to_string).collect());
        if let Some(only) = only {
            let only = select.bind(texts(only));
            select.keys = D::keys_with_ids(&only);
            if select.keys.is_none() {
                select.and(D::has_id_in(&only));
            }
        }
        if !except.is_empty() {
            let except = select.bind(texts(except));
            select.and(format!("not ({})", D::has_id_in(&except)));
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
        let mut select = Self::new(None);
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

    /// Selects rows with a text in lower case that begins with the prefix.
    fn and_search(&mut self, rows: Rows, prefix: Option<&'q Prefix>, lower: &[String]) {
        let Some((begin, end)) = prefix.map(Prefix::range) else { return };
        let begin = self.bind(begin);
        let end = end.map(|end| self.bind(Value::Text(Some(end.into()))));
        let within = |no_index: &str, text: &String| match &end {
            Some(end) => format!("({no_index}{text} >= {begin} and {no_index}{text} < {end})"),
            None => format!("{no_index}{text} >= {begin}"),
        };
        let any = lower.iter().map(|text| within(D::NO_INDEX, text)).collect::<Vec<_>>();
        self.and(format!("({})", any.join(" or ")));
        let any = lower.iter().map(|text| Indexed::exactly(within("", text)));
        self.hint(rows, &any.collect::<Vec<_>>());
    }

    fn and_label(&mut self, label: &'q str, sort: KeySort) {
        let label = self.bind(label);
        let (no_index, lower) = (D::NO_INDEX, D::lower("k.label"));
        // SQLite would move the label into the other condition, which could then not use its index.
        self.and(format!("{no_index}k.label = {label}"));
        let found = format!("{lower} = {}", D::lower(&label));
        if sort == KeySort::Client {
            // The index has the texts in lower case, followed by the columns that sort the list.
            self.and(found);
        } else {
            self.and(format!("{no_index}{found}"));
            self.hint(Rows::Keys, &[Indexed::exactly(found)]);
        }
    }

    fn and_client(&mut self, scope: Option<&'q Scope>, metadata: &'q BTreeMap<String, String>) {
        self.reads_clients |= scope.is_some() || !metadata.is_empty();
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
        let expires = D::order_time(KeyTime::Expires);
        let (now, last) = (Timestamp::nearest(now), Timestamp::LAST);
        let (condition, estimate, exact) = match expiry {
            ExpiryFilter::Never if sort == KeySort::Client => {
                // An index of these keys is sorted like the list.
                return self.and("k.expires is null");
            }
            ExpiryFilter::Never => {
                // The index has a time instead of null.
                let exact = vec![format!("{expires} = {}", self.bind(D::order_value(last)))];
                ("k.expires is null", exact.clone(), exact)
            }
            ExpiryFilter::Within(time) => {
                let end = now.system_time().checked_add(time).map_or(last, Timestamp::nearest);
                let [begins, ends] = [now, end].map(|time| self.bind(D::order_value(time)));
                let exact = vec![format!("{expires} > {begins}"), format!("{expires} <= {ends}")];
                let estimate = vec![rough("k.expires >", now), rough("k.expires <=", end)];
                // A missing expiry is the last time in the order. The index of the list has no column of texts.
                let condition = if end < last {
                    "k.revoked is null"
                } else {
                    "k.revoked is null and k.expires is not null"
                };
                (condition, estimate, exact)
            }
        };
        let no_index = if sort == KeySort::Expires { "" } else { D::NO_INDEX };
        self.and(condition);
        for exact in &exact {
            self.and(format!("{no_index}{exact}"));
        }
        if sort != KeySort::Expires {
            let rows = if sort == KeySort::Client { Rows::ListedKeys } else { Rows::Keys };
            let (estimate, exact) = (estimate.join(" and "), exact.join(" and "));
            self.hint(rows, &[Indexed { estimate, exact }]);
        }
    }

    fn and_statuses(&mut self, statuses: &[KeyStatus], now: Timestamp, sort: KeySort) {
        if statuses.is_empty() {
            return;
        }
        self.reads_clients |= statuses.iter().any(|status| match status {
            KeyStatus::Expired | KeyStatus::Revoked => false,
            KeyStatus::Active
            | KeyStatus::NotYetValid
            | KeyStatus::Replaced
            | KeyStatus::Disabled => true,
        });
        let at = self.bind(D::order_value(now));
        let any = statuses.iter().map(|status| status_is::<D>(*status, &at)).collect::<Vec<_>>();
        self.and(format!("({})", any.join(" or ")));
        let [status] = statuses else { return };
        match status {
            KeyStatus::Expired => {
                let exact = format!("{} <= {at}", D::order_time(KeyTime::Expires));
                if sort == KeySort::Expires {
                    return self.and(exact);
                }
                self.hint(Rows::Keys, &[Indexed { estimate: rough("k.expires <=", now), exact }]);
            }
            KeyStatus::NotYetValid => {
                let later = format!("{} > {at}", D::order_time(KeyTime::NotBefore));
                let later = format!("k.not_before is not null and {later}");
                self.hint(Rows::Keys, &[Indexed::exactly(later)]);
            }
            // If the list is sorted by client, the indexes of these keys are sorted like it.
            KeyStatus::Revoked if sort != KeySort::Client => {
                self.hint(Rows::Keys, &[Indexed::exactly("k.revoked is not null")]);
            }
            KeyStatus::Replaced if sort != KeySort::Client => {
                self.hint(Rows::Keys, &[Indexed::exactly("k.replaced_by is not null")]);
            }
            KeyStatus::Disabled if sort != KeySort::Client => {
                self.hint(Rows::ClientsAndKeys, &[Indexed::exactly("not c.enabled")]);
            }
            KeyStatus::Active | KeyStatus::Revoked | KeyStatus::Replaced | KeyStatus::Disabled => {}
        }
    }
}

/// Compares the text of a time, which is approximate, since the text may have any offset.
fn rough(compare: &str, time: Timestamp) -> String {
    format!("{compare} '{time}'")
}

/// The condition for keys with this status at the time in a placeholder.
fn status_is<D: Dialect>(status: KeyStatus, now: &str) -> String {
    let no_index = D::NO_INDEX;
    let [ends, begins] = [KeyTime::Expires, KeyTime::NotBefore].map(D::order_time);
    let expired = format!("(k.expires is not null and {no_index}{ends} <= {now})");
    let begins_later = format!("(k.not_before is not null and {no_index}{begins} > {now})");
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
