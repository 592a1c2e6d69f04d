//! Reads the lines of the log. JSON is YAML, so that the parser of key files reads them.

use crate::key::{Rounding, Timestamp};
use crate::manage::ChangeEvent;
use crate::store::yaml::layout::Layout;
use crate::store::yaml::outline::{Outline, Shape};

/// Reads the event of a line.
pub(super) fn event(line: &[u8]) -> Option<ChangeEvent> {
    let line = str::from_utf8(line).ok()?;
    let outline = Outline::of(line, &Layout::Own).ok()?;
    let value =
        |name: &str| outline.field(name).map(|field| &field.value).filter(|value| !value.is_null());
    // `None` for another type, and `Some(None)` for null.
    let text = |name: &str| {
        value(name).map_or(Some(None), |value| value.text().map(|it| Some(it.to_owned())))
    };
    let object = |name: &str| {
        value(name).map_or(Some(None), |value| {
            let is_object = value.flow && matches!(value.shape, Shape::Mapping(_));
            is_object.then(|| Some(line[value.range.clone()].to_owned()))
        })
    };
    let at = Timestamp::parse(&text("at")??, Rounding::Down).ok()?;
    let mut event = ChangeEvent::new(at.system_time(), text("action")??.parse().ok()?);
    event.actor = text("actor")?;
    event.tool = text("tool")?;
    event.client = text("client")?;
    event.key_id = text("key_id")?.map(|id| id.parse()).transpose().ok()?;
    event.before = object("before")?;
    event.after = object("after")?;
    Some(event)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::manage::ChangeAction;
    use crate::store::yaml::value::Value;

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
            let client = Value::text(&written).json();
            let line = format!(r#"{{"at":"2027-01-15T08:00:00Z","action":"client.added","client":{client}}}"#);
            let event = event(line.as_bytes()).unwrap();
            prop_assert_eq!(event.client, Some(written));
        }
    }
}
