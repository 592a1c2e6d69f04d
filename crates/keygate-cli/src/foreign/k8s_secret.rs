use super::Fault;
use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::{Secret, base64};

/// Reads the `data` and `stringData` of Secrets: each entry is a client, and each of its lines a key.
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
    for (client, value) in secret.get("stringData").map_or(&[][..], Node::entries) {
        match value.as_text() {
            Some(text) => read_lines(&at(place, "stringData"), client, text, draft),
            None => draft.fault(at(place, "stringData"), "a value is no text: put it in quotes"),
        }
    }
    for (client, value) in secret.get("data").map_or(&[][..], Node::entries) {
        let bytes = value.as_text().and_then(base64);
        match bytes.as_deref().and_then(|bytes| str::from_utf8(bytes).ok()) {
            Some(text) => read_lines(&at(place, "data"), client, text, draft),
            None => draft.fault(at(place, "data"), "a value is no base64 of a text"),
        }
    }
}

fn read_lines(place: &str, client: &str, text: &str, draft: &mut Draft) {
    let keys = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for key in keys {
        draft.add(Entry::new(place, Some(client), Secret::plain(key)));
    }
}
