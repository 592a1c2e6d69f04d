use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::{self, Secret};
use super::{Fault, has_own, state};

/// The settings of a key that keygate has under other names, or not at all.
const SETTINGS: [&str; 7] = [
    "models",
    "max_budget",
    "rpm_limit",
    "tpm_limit",
    "max_parallel_requests",
    "budget_duration",
    "permissions",
];

const TIMES: [&str; 2] = ["created_at", "expires"];

/// Parses rows of the key table, whose `token` is the SHA-256 of the key.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    if !text.trim_start().starts_with(['{', '[']) {
        return read_csv(text, draft);
    }
    for document in Node::parse(text)? {
        for (place, row) in document.rows(&["keys", "data"]) {
            for setting in SETTINGS {
                if row.get(setting).is_some_and(has_own) {
                    draft.setting(setting);
                }
            }
            if let Some(name) = TIMES
                .into_iter()
                .find(|name| row.get(name).is_some_and(|value| value.as_text().is_none()))
            {
                draft.fault(at(&place, name), "it is not a string");
            } else {
                read_row(&place, |name| row.text(name), state::is_object_off(row), draft);
            }
        }
    }
    Ok(())
}

fn read_csv(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    let invalid =
        |line: u64| Fault { at: format!("line {line}"), why: "this is not valid CSV".to_owned() };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headings = reader.headers().map_err(|_| invalid(1))?.clone();
    for (index, row) in reader.records().enumerate() {
        let line = index as u64 + 2;
        let row = row.map_err(|_| invalid(line))?;
        let cell = |name: &str| {
            let index = headings.iter().position(|heading| heading == name)?;
            row.get(index).filter(|text| !text.is_empty())
        };
        let is_off = headings.iter().zip(&row).any(|(field, value)| state::is_off(field, value));
        read_row(&format!("line {line}"), cell, is_off, draft);
    }
    Ok(())
}

fn read_row<'a>(
    place: &str,
    field: impl Fn(&str) -> Option<&'a str>,
    is_off: bool,
    draft: &mut Draft,
) {
    let secret = match field("token") {
        Some(text) if text.starts_with("sk-") => Secret::plain(text),
        Some(text) => match secret::digest(text) {
            Some(digest) => Secret::Digest(digest),
            None => {
                return draft
                    .leave_out(at(place, "token"), "it is not a SHA-256 in hexadecimal digits");
            }
        },
        None => return draft.fault(at(place, "token"), "it is missing or not a string"),
    };
    if is_off {
        return draft.leave_out(place, state::REASON);
    }
    let alias = field("key_alias");
    let client = field("user_id").or_else(|| field("team_id")).or(alias);
    let mut entry = Entry::new(place, client, secret);
    entry.label = alias;
    // Times in the table are in UTC, without an offset.
    for (name, time) in [("created_at", &mut entry.created), ("expires", &mut entry.expires)] {
        match field(name).map(|text| secret::time(text, true)).transpose() {
            Ok(found) => *time = found,
            Err(why) => return draft.fault(at(place, name), &why),
        }
    }
    draft.add(entry);
}
