//! The differences that a recorded change made.

use keygate::key::Timestamp;
use keygate::manage::{ChangeAction, ChangeEvent};
use maud::{Markup, html};
use serde_json::{Map, Value};

/// A value before and after a change, as text; `None` if it was not set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

/// Returns the values that an event changed, or all values of a new client or key.
pub(crate) fn differences(event: &ChangeEvent) -> Vec<Difference> {
    let [before, after] = [&event.before, &event.after].map(|json| facts(json.as_deref()));
    let is_removed = event.after.is_none();
    let value = |facts: &[(String, Option<String>)], name: &str| {
        facts.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.clone())
    };
    let only_before =
        before.iter().filter(|(name, _)| after.iter().all(|(known, _)| known != name));
    let names = after.iter().chain(only_before).map(|(name, _)| name);
    let difference = |name: &String| {
        let [before, after] = [&before, &after].map(|facts| value(facts, name));
        Difference { name: name.clone(), before, after }
    };
    let differences = names.map(difference).filter(|it| it.before != it.after);
    differences.filter(|it| !is_removed && !is_said(event, &it.name)).collect()
}

/// Returns whether the event's action, client or ID already shows this value.
fn is_said(event: &ChangeEvent, name: &str) -> bool {
    match event.action {
        ChangeAction::ClientEnabled | ChangeAction::ClientDisabled => name == "enabled",
        ChangeAction::KeyRevoked => name == "revoked",
        _ if event.before.is_none() => {
            ["name", "client", "key_id", "enabled", "created"].contains(&name)
        }
        _ => false,
    }
}

/// Renders the values that an event changed.
pub(crate) fn change(event: &ChangeEvent) -> Markup {
    let differences = differences(event);
    html! {
        @if !differences.is_empty() {
            ul.changes {
                @for Difference { name, before, after } in &differences {
                    li {
                        span.muted { (name.replace('_', " ")) ": " }
                        @if let Some(before) = before { del { (before) } " " }
                        @match after {
                            Some(after) => { ins { (after) } }
                            None => { span.muted { "none" } }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the text for an action.
pub(crate) fn words(action: ChangeAction) -> String {
    action.name().replace('.', " ")
}

fn facts(json: Option<&str>) -> Vec<(String, Option<String>)> {
    match json.and_then(|json| serde_json::from_str(json).ok()) {
        Some(Value::Object(fields)) => flat(fields),
        _ => Vec::new(),
    }
}

/// Returns the fields as text. Each metadata entry is listed separately.
fn flat(fields: Map<String, Value>) -> Vec<(String, Option<String>)> {
    let mut flat = Vec::new();
    for (name, value) in fields {
        match value {
            Value::Object(metadata) if name == "metadata" => {
                flat.extend(
                    metadata.iter().map(|(name, value)| (format!("metadata {name}"), text(value))),
                );
            }
            value => {
                let value = text(&value);
                flat.push((name, value));
            }
        }
    }
    flat
}

fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) if items.is_empty() => return None,
        Value::String(text) => {
            text.parse::<Timestamp>().map_or_else(|_| text.clone(), |time| time.to_string())
        }
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => match (fields.get("rate"), fields.get("burst")) {
            (Some(Value::String(rate)), Some(burst)) => format!("{rate} (burst {burst})"),
            _ => value.to_string(),
        },
        value => value.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn differ(action: ChangeAction, before: Option<&str>, after: Option<&str>) -> Vec<String> {
        let mut event = ChangeEvent::new(UNIX_EPOCH, action);
        (event.before, event.after) = (before.map(str::to_owned), after.map(str::to_owned));
        let shown = |it: Difference| format!("{}: {:?} -> {:?}", it.name, it.before, it.after);
        differences(&event).into_iter().map(shown).collect()
    }

    #[test]
    fn change_is_described_by_its_differences() {
        let before =
            r#"{"name":"A","enabled":true,"quota":"9/day","scopes":[],"metadata":{"team":"x"}}"#;
        let after = r#"{"name":"A","enabled":false,"quota":{"rate":"9/day","burst":2},"scopes":["a","b:*"],"metadata":{}}"#;
        let found = differ(ChangeAction::ClientDisabled, Some(before), Some(after));
        let expected = [
            r#"quota: Some("9/day") -> Some("9/day (burst 2)")"#,
            r#"scopes: None -> Some("a, b:*")"#,
            r#"metadata team: Some("x") -> None"#,
        ];
        assert_eq!(found, expected);
        let key =
            r#"{"key_id":"1f0c2b7a9d3e4c58","label":"app","expires":"2027-01-15T08:00:00+00:00"}"#;
        let issued = differ(ChangeAction::KeyIssued, None, Some(key));
        assert_eq!(
            issued,
            [r#"expires: None -> Some("2027-01-15T08:00:00Z")"#, r#"label: None -> Some("app")"#]
        );
        assert!(differ(ChangeAction::KeyRemoved, Some(key), None).is_empty());
        assert!(differ(ChangeAction::KeyChanged, None, Some("not JSON")).is_empty());
    }

    #[test]
    fn values_of_events_are_escaped() {
        let mut event = ChangeEvent::new(UNIX_EPOCH, ChangeAction::ClientChanged);
        event.after = Some(r#"{"title":"<script>"}"#.to_owned());
        assert!(change(&event).into_string().contains("&lt;script&gt;"));
    }
}
