use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::{self, Secret};
use super::{Fault, ScopesFrom, has_own, state};

const SETTINGS: [&str; 5] = ["ratelimit", "ratelimits", "remaining", "refill", "roles"];

/// Parses a list of keys with their hashes, either the whole document or under `keys` or `data`.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    for document in Node::parse(text)? {
        for (place, key) in document.rows(&["keys", "data"]) {
            read_key(&place, key, draft);
        }
    }
    Ok(())
}

fn read_key(place: &str, key: &Node, draft: &mut Draft) {
    let secret = match (key.text("plaintext").or_else(|| key.text("key")), key.get("hash")) {
        (Some(text), _) => Secret::plain(text),
        (None, Some(hash)) => {
            let variant = hash.text("variant").unwrap_or("sha256");
            let text = hash.text("value").or_else(|| hash.as_text());
            match text.filter(|_| variant.starts_with("sha256")).and_then(secret::digest) {
                Some(digest) => Secret::Digest(digest),
                None => {
                    return draft.leave_out(
                        at(place, "hash"),
                        "it is not a SHA-256 in base64 or hexadecimal digits",
                    );
                }
            }
        }
        (None, None) => return draft.leave_out(place, "it has neither `hash` nor `plaintext`"),
    };
    if state::is_object_off(key) {
        return draft.leave_out(place, state::REASON);
    }
    let client = ["externalId", "ownerId", "name"].into_iter().find_map(|name| key.text(name));
    let mut entry = Entry::new(place, client, secret);
    entry.label = key.text("name");
    // In milliseconds.
    for (name, time) in [("createdAt", &mut entry.created), ("expires", &mut entry.expires)] {
        match secret::time_in(key, name, Some(1000.0)) {
            Ok(found) => *time = found,
            Err(why) => return draft.fault(at(place, name), &why),
        }
    }
    draft.add(entry);
    SETTINGS
        .into_iter()
        .filter(|name| key.get(name).is_some_and(has_own))
        .for_each(|name| draft.setting(name));
    let Some(client) = client.filter(|client| draft.clients.contains_key(*client)) else { return };
    for (name, value) in key.get("meta").map_or(&[][..], Node::entries) {
        if let Some(value) = value.as_text() {
            draft.add_metadata(&at(place, "meta"), client, name, value);
        }
    }
    for (place, permission) in key.items(place, "permissions") {
        if let Some(permission) = permission.as_text() {
            draft.add_group(ScopesFrom::Permissions, &place, client, permission);
        }
    }
}
