//! Recorded changes as readable text, JSON and CSV.

use keygate::key::Timestamp;
use keygate::manage::{ChangeAction, ChangeEvent, EventQuery, ManageError, PartialList};
use serde_json::{Map, Value, json};

use crate::args::Globals;
use crate::failure::Failure;
use crate::location::Location;
use crate::output::Output;
use crate::runtime::block_on;
use crate::store::Store;
use crate::table::Table;
use crate::{csv, show};

/// The number of changes shown with a client or key.
const LATEST: usize = 5;

/// Returns the first events of a query, and the cursor of the next ones if there are more.
pub(crate) fn page(
    store: &dyn Store,
    query: &EventQuery,
    limit: usize,
) -> Result<(PartialList<ChangeEvent>, Option<String>), Failure> {
    let mut list = PartialList::from(Vec::new());
    let mut query = query.clone();
    loop {
        let left = limit - list.found.len() - list.unreadable.len();
        let page = block_on(store.events(&query.clone().with_limit(left))).map_err(not_recorded)?;
        list.found.extend(page.found);
        list.unreadable.extend(page.unreadable);
        let is_full = list.found.len() + list.unreadable.len() >= limit;
        match page.next {
            Some(next) if !is_full => query = query.after(next),
            next => return Ok((list, next)),
        }
    }
}

/// Adds the option that makes the tool record and read the changes of a key file.
fn not_recorded(error: ManageError) -> Failure {
    match error {
        ManageError::NoEvents { .. } => Failure::usage(
            "no folder is given in which to record the changes of the key file: give --state-directory FOLDER or \
             set KEYGATE_STATE_DIRECTORY, and all changes from then on are recorded in `events.jsonl` there",
        ),
        error => error.into(),
    }
}

/// Returns the latest changes of a client or key, if they are recorded. An error is only a warning, since the rest of
/// the output is still useful.
pub(crate) fn latest(
    store: &dyn Store,
    query: &EventQuery,
    globals: &Globals,
    out: &Output,
) -> Option<Vec<ChangeEvent>> {
    if matches!(globals.location(), Ok(Location::File(_))) && globals.state().is_none() {
        return None;
    }
    match page(store, query, LATEST) {
        Ok((events, _)) => Some(events.found),
        Err(failure) => {
            out.warn(&format!("the latest changes cannot be read: {}", failure.message()));
            None
        }
    }
}

/// Returns the table of changes of a client or key, below a blank line.
pub(crate) fn latest_text(events: Option<&[ChangeEvent]>) -> String {
    match events {
        Some(events @ [_, ..]) => format!("\n{}", table(events).render()),
        _ => String::new(),
    }
}

/// Returns the changes of a client or key as JSON; null if they are not recorded.
pub(crate) fn latest_json(events: Option<&[ChangeEvent]>) -> Value {
    events.map_or(Value::Null, |events| events.iter().map(json).collect())
}

pub(crate) fn table(events: &[ChangeEvent]) -> Table {
    let mut table = Table::new(["TIME", "ACTOR", "ACTION", "CLIENT", "KEY", "CHANGE"]);
    for event in events {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        table.push([
            show::time(Timestamp::nearest(event.at).whole_second().system_time()).into(),
            // In SQLite, a manual change has a tool but no actor.
            event.actor.clone().unwrap_or_else(|| format!("({})", by_tool(event))).into(),
            event.action.name().into(),
            text(&event.client).into(),
            event.key_id.map(|id| id.to_string()).unwrap_or_default().into(),
            change(event).into(),
        ]);
    }
    table
}

fn by_tool(event: &ChangeEvent) -> &str {
    event.tool.as_deref().unwrap_or("unknown")
}

pub(crate) fn json(event: &ChangeEvent) -> Value {
    json!({
        "at": show::time(event.at),
        "actor": event.actor,
        "tool": event.tool,
        "action": event.action.name(),
        "client": event.client,
        "key_id": event.key_id,
        "before": event.before.as_deref().map(facts),
        "after": event.after.as_deref().map(facts),
    })
}

pub(crate) fn csv(events: &[ChangeEvent]) -> String {
    let mut text =
        csv::row(["at", "actor", "tool", "action", "client", "key_id", "before", "after"]);
    for event in events {
        let key_id = event.key_id.map(|id| id.to_string());
        let (at, action) = (show::time(event.at), event.action.name());
        let ChangeEvent { actor, tool, client, before, after, .. } = event;
        let [actor, tool, client, key_id, before, after] =
            [actor, tool, client, &key_id, before, after].map(|it| it.as_deref().unwrap_or(""));
        text += &csv::row([&*at, actor, tool, action, client, key_id, before, after]);
    }
    text
}

/// Parses the JSON object of a client, key or policy.
fn facts(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}

/// Describes the differences, as in `quota none -> 9/day, metadata team none -> billing`, or all values of a new client
/// or key.
fn change(event: &ChangeEvent) -> String {
    let fields = |json: &Option<String>| match json.as_deref().map(facts) {
        Some(Value::Object(fields)) => Some(flat(fields)),
        _ => None,
    };
    // The name of the action already says this.
    let is_said = |name: &str| match event.action {
        ChangeAction::ClientEnabled | ChangeAction::ClientDisabled => name == "enabled",
        ChangeAction::KeyRevoked => name == "revoked",
        _ => false,
    };
    let changes = match (fields(&event.before), fields(&event.after)) {
        (None, Some(after)) => {
            let is_new =
                |name: &str| !["name", "client", "key_id", "enabled", "created"].contains(&name);
            let facts = after
                .into_iter()
                .filter(|(name, value)| is_new(name) && !["none", "false"].contains(&&**value));
            facts.map(|(name, value)| format!("{name} {value}")).collect()
        }
        (Some(before), Some(after)) => {
            let value = |fields: &[(String, String)], name: &str| {
                let field = fields.iter().find(|(known, _)| known == name);
                field.map_or_else(|| "none".to_owned(), |(_, value)| value.clone())
            };
            let removed = before.iter().filter(|(name, _)| after.iter().all(|(it, _)| it != name));
            let names = after.iter().chain(removed).map(|(name, _)| name);
            let difference = |name: &String| {
                let [before, after] = [&before, &after].map(|fields| value(fields, name));
                (before != after && !is_said(name)).then(|| format!("{name} {before} -> {after}"))
            };
            names.filter_map(difference).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    changes.join(", ")
}

/// Returns the fields as text. Each metadata entry is a separate field.
fn flat(fields: Map<String, Value>) -> Vec<(String, String)> {
    let mut flat = Vec::new();
    for (name, value) in fields {
        match value {
            Value::Object(metadata) if name == "metadata" => {
                let entry = |(name, value)| (format!("metadata {name}"), text(value));
                flat.extend(metadata.iter().map(entry));
            }
            value => flat.push((name, text(&value))),
        }
    }
    flat
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(time) => time.to_string(),
            Err(_) => text.clone(),
        },
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => match (fields.get("rate"), fields.get("burst")) {
            (Some(rate), Some(burst)) => format!("{}, {burst} at once", text(rate)),
            _ => value.to_string(),
        },
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn event(action: ChangeAction, before: Option<&str>, after: Option<&str>) -> String {
        let mut event = ChangeEvent::new(UNIX_EPOCH, action);
        (event.before, event.after) = (before.map(str::to_owned), after.map(str::to_owned));
        change(&event)
    }

    #[test]
    fn change_is_described_by_what_differs() {
        let before = r#"{"name":"A","enabled":true,"quota":"9/day","scopes":[],"metadata":{"name":"x","quota":"1"}}"#;
        let after = r#"{"name":"A","enabled":false,"quota":{"rate":"9/day","burst":2},"scopes":["a","b:*"],"metadata":{"name":"y"}}"#;
        assert_eq!(
            event(ChangeAction::ClientDisabled, Some(before), Some(after)),
            "metadata name x -> y, quota 9/day -> 9/day, 2 at once, scopes none -> a b:*, metadata quota 1 -> none"
        );
        let key = r#"{"key_id":"1f0c2b7a9d3e4c58","label":"app","expires":"2027-01-15T08:00:00+00:00","scopes":[]}"#;
        let facts = event(ChangeAction::KeyIssued, None, Some(key));
        assert_eq!(facts, "expires 2027-01-15T08:00:00Z, label app");
        assert_eq!(event(ChangeAction::KeyRemoved, Some(key), None), "");
        assert_eq!(event(ChangeAction::KeyChanged, None, None), "");
    }
}
