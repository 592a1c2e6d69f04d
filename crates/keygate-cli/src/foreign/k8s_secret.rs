use super::Fault;
use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::{Secret, base64};

/// Parses the `data` and `stringData` of Secrets: each entry is a client, and each of its lines is a key.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    for document in Node::parse(text)? {
        let items = document.items("", "items");
        if items.is_empty() {
            read_secret("", &document, draft);
        }
        for (place, item) in items {
            read_secret(&place, item, draft);
        }
    }
    Ok(())
}

fn read_secret(place: &str, secret: &Node, draft: &mut Draft) {
    let kind = secret.text("kind").unwrap_or("no kind");
    if kind != "Secret" {
        return draft.setting(&format!("an object of the kind {kind}"));
    }
    for (place, client, value) in entries(place, secret, "stringData") {
        match value.as_text() {
            Some(text) => read_lines(&place, client, text, draft),
            None => draft.fault(place, "the value is not a string: put it in quotes"),
        }
    }
    for (place, client, value) in entries(place, secret, "data") {
        let bytes = value.as_text().and_then(base64);
        match bytes.as_deref().and_then(|bytes| str::from_utf8(bytes).ok()) {
            Some(text) => read_lines(&place, client, text, draft),
            None => draft.fault(place, "the value is not base64-encoded text"),
        }
    }
}

/// Returns the names and values of a field, each with its position. Positions do not include the names, which may be
/// keys.
fn entries<'a>(
    place: &str,
    secret: &'a Node,
    field: &str,
) -> impl Iterator<Item = (String, &'a str, &'a Node)> {
    let place = at(place, field);
    let entries = secret.get(field).map_or(&[][..], Node::entries);
    entries.iter().zip(1..).map(move |((name, value), number)| {
        (format!("{place}, entry {number}"), name.as_str(), value)
    })
}

fn read_lines(place: &str, client: &str, text: &str, draft: &mut Draft) {
    let lines = text.lines().map(str::trim).zip(1..);
    for (key, number) in lines.filter(|(line, _)| !line.is_empty()) {
        let place = format!("{place}, line {number}");
        draft.add(Entry::new(place, Some(client), Secret::plain(key)));
    }
}
