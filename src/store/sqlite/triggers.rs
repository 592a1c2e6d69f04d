//! The triggers that record changes. They are made from the list of the columns after each migration, so that an event
//! has every column.

use sqlx::sqlite::Sqlite;

use crate::store::sql::{self, CLIENTS, Codec, Column, KEYS, Table};

const ACTOR: &str =
    "(select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql')";

/// A table whose changes are recorded.
struct Recorded {
    table: String,
    /// The column that identifies a row. Events identify a key by its id instead.
    id: &'static str,
    /// The expressions for the columns `client` and `key_id` of an event.
    subject: fn(&str) -> String,
    added: &'static str,
    /// The action of a deletion.
    removed: &'static str,
    /// The action of an update.
    changed: &'static str,
    /// The columns as pairs of names and values.
    facts: fn(&str) -> String,
    differs: String,
}

/// Returns the statements that replace all triggers on the clients and keys.
pub(super) fn replace_triggers() -> String {
    let clients = Recorded {
        table: sql::table::<Sqlite, _>(&CLIENTS),
        id: "name",
        subject: |row| format!("{row}.name, null"),
        added: "client.added",
        removed: "'client.removed'",
        changed: "case when new.enabled > old.enabled then 'client.enabled' \
             when new.enabled < old.enabled then 'client.disabled' else 'client.changed' end",
        facts: |row| facts(&CLIENTS, row),
        differs: differs(&CLIENTS),
    };
    let keys = Recorded {
        table: sql::table::<Sqlite, _>(&KEYS),
        id: "digest",
        subject: |row| format!("{row}.client, {row}.key_id"),
        added: "key.issued",
        removed: "case when exists (select 1 from keygate_tombstones where digest = old.digest) \
             then 'key.purged' else 'key.removed' end",
        changed: "case when old.revoked is null and new.revoked is not null then 'key.revoked' \
             when old.replaced_by is null and new.replaced_by is not null then 'key.rotated' \
             else 'key.changed' end",
        facts: |row| format!("'key_id', {row}.key_id, {}", facts(&KEYS, row)),
        differs: differs(&KEYS),
    };
    clients.triggers() + &keys.triggers()
}

impl Recorded {
    fn triggers(&self) -> String {
        let Self { table, id, added, removed, changed, differs, .. } = self;
        let insert = self.event(&format!("'{added}'"), None, Some("new"));
        let delete = self.event(removed, Some("old"), None);
        let update = self.event(changed, Some("old"), Some("new"));
        let moved = format!("{delete}{insert}");
        [
            ("inserted", "insert", "1", insert),
            ("updated", "update", &*format!("old.{id} is new.{id} and ({differs})"), update),
            ("renamed", "update", &*format!("old.{id} is not new.{id}"), moved),
            ("deleted", "delete", "1", delete),
        ]
        .map(|(name, on, when, events)| {
            format!(
                "drop trigger if exists {table}_{name};\n\
                 create trigger {table}_{name} after {on} on {table} when {when} begin\n{events}end;\n"
            )
        })
        .concat()
    }

    /// Returns the statement that records an action.
    fn event(&self, action: &str, before: Option<&str>, after: Option<&str>) -> String {
        let subject = after.or(before).map(self.subject).unwrap_or_default();
        let [before, after] = [before, after].map(|row| {
            row.map_or("null".to_owned(), |row| format!("json_object({})", (self.facts)(row)))
        });
        format!(
            "insert into keygate_events (actor, tool, action, client, key_id, before, after)\n\
             values ({ACTOR}, {action}, {subject}, {before}, {after});\n"
        )
    }
}

/// Returns the columns as pairs of names and values, without digests.
fn facts<T>(table: &Table<T>, row: &str) -> String {
    let pair = |Column { name, codec, .. }: &Column<T>| {
        let value = match codec {
            Codec::Bytes(..) => return None,
            Codec::Text(..) if *name == "algorithm" => return None,
            Codec::Text(..) | Codec::Time(..) => format!("{row}.{name}"),
            // A change by hand may write invalid JSON.
            Codec::Json(..) | Codec::Texts(..) => format!(
                "json(case when json_valid({row}.{name}) then {row}.{name} else json_quote({row}.{name}) end)"
            ),
            Codec::Flag(..) => format!("json(case when {row}.{name} then 'true' else 'false' end)"),
        };
        Some(format!("'{name}', {value}"))
    };
    table.columns.iter().filter_map(pair).collect::<Vec<_>>().join(", ")
}

/// Returns the condition that any column except the first one has changed.
fn differs<T>(table: &Table<T>) -> String {
    let columns = table.columns.iter().skip(1);
    let differs = columns.map(|Column { name, .. }| format!("old.{name} is not new.{name}"));
    differs.collect::<Vec<_>>().join(" or ")
}
