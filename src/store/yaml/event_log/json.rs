//! Reads the lines of the log: JSON objects (RFC 8259) whose inner objects are kept as text.

use crate::key::{Rounding, Timestamp};
use crate::manage::ChangeEvent;
use crate::store::yaml::layout::Layout;
use crate::store::yaml::outline::Outline;

/// Reads the event of a line.
pub(super) fn event(line: &[u8]) -> Option<ChangeEvent> {
    let line = std::str::from_utf8(line).ok()?.trim();
    let mut rest = line.strip_prefix('{')?.strip_suffix('}')?;
    let (mut at, mut action) = (None, None);
    let (mut actor, mut tool, mut client, mut key_id) = (None, None, None, None);
    let (mut before, mut after) = (None, None);
    while !rest.trim().is_empty() {
        let (name, behind) = value(rest);
        let (json, behind) = value(behind.strip_prefix(':')?);
        rest = behind.strip_prefix(',').unwrap_or(behind);
        match &*text(name)?? {
            "at" => at = text(json)?,
            "actor" => actor = text(json)?,
            "tool" => tool = text(json)?,
            "action" => action = text(json)?,
            "client" => client = text(json)?,
            "key_id" => key_id = text(json)?,
            "before" => before = object(json)?,
            "after" => after = object(json)?,
            // A newer version may record more fields.
            _ => {}
        }
    }
    let at = Timestamp::parse(&at?, Rounding::Down).ok()?;
    let mut event = ChangeEvent::new(at.system_time(), action?.parse().ok()?);
    event.actor = actor;
    event.tool = tool;
    event.client = client;
    event.key_id = key_id.map(|id| id.parse()).transpose().ok()?;
    event.before = before;
    event.after = after;
    Some(event)
}

/// Splits off a value, which ends at a comma, a colon or the end of the text.
fn value(text: &str) -> (&str, &str) {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' if depth == 0 => return (text[..index].trim(), &text[index..]),
            _ => {}
        }
    }
    (text.trim(), "")
}

/// Reads an object as text, or null.
#[allow(clippy::option_option)] // `None` for another value.
fn object(json: &str) -> Option<Option<String>> {
    match json {
        "null" => Some(None),
        _ if json.starts_with('{') && json.ends_with('}') => Some(Some(json.to_owned())),
        _ => None,
    }
}

/// Reads a string, or null.
#[allow(clippy::option_option)] // `None` for another value.
fn text(json: &str) -> Option<Option<String>> {
    match json.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) if !text.contains(['"', '\\']) => Some(Some(text.to_owned())),
        // JSON is YAML, whose parser knows the escapes. It takes 25 us for a whole line, instead of 2 us.
        Some(_) => Some(Some(Outline::of(json, &Layout::Own).ok()?.root?.text()?.to_owned())),
        None => (json == "null").then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::manage::ChangeAction;
    use crate::store::yaml::value::{Syntax, Value};

    #[test]
    fn members_may_have_any_order_and_escapes() {
        let line = r#" {"before" : null,"new":[1,{"a":"}"}], "after":{"label":"a \"}\" b"},"client":"\u00c9 \ud83d\ude00\/\n",
            "actor":"a, b: c","action":"key.issued","key_id":"1f0c2b7a9d3e4c58","at":"2027-01-15T08:00:00.5Z"}"#;
        let event = event(line.as_bytes()).unwrap();
        let at = UNIX_EPOCH + Duration::from_millis(1_800_000_000_500);
        assert_eq!((event.at, event.action), (at, ChangeAction::KeyIssued));
        assert_eq!(event.client.as_deref(), Some("É 😀/\n"));
        assert_eq!(event.actor.as_deref(), Some("a, b: c"));
        assert_eq!(event.key_id, "1f0c2b7a9d3e4c58".parse().ok());
        assert_eq!(event.after.as_deref(), Some(r#"{"label":"a \"}\" b"}"#));
        assert_eq!((event.before, event.tool), (None, None));
    }

    #[test]
    fn lines_that_are_not_events_are_refused() {
        let whole =
            r#"{"at":"2027-01-15T08:00:00Z","action":"client.added","client":"A","after":{}}"#;
        assert!(event(whole.as_bytes()).is_some());
        for end in 0..whole.len() {
            assert_eq!(event(&whole.as_bytes()[..end]), None, "{}", &whole[..end]);
        }
        for (part, other) in [
            ("client.added", "client.born"),
            ("2027", "1927"),
            ("\"A\"", "7"),
            ("\"A\"", "\"\\ud800\""),
            ("\"A\"", "\"\\x\""),
            ("{}", "[]"),
        ] {
            assert_eq!(event(whole.replace(part, other).as_bytes()), None, "{other}");
        }
        assert_eq!(event(b"{\"at\":\"\xff\"}"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_a_panic(line in "[{}\"\\\\:,a-z\\[\\]ué0-9 ]{0,40}") {
            event(line.as_bytes());
            event(format!("{{\"at\":{line}}}").as_bytes());
        }

        #[test]
        fn written_text_is_read_back(written in any::<String>()) {
            let json = Value::text(&written).line(Syntax::Json);
            prop_assert_eq!(text(&json), Some(Some(written)));
        }
    }
}
