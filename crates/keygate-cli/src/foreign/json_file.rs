use keygate::key::looks_like_key;

use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::{self, Secret};
use super::{Fault, Side, state};

/// The names of the lists in which exports have their keys.
const LISTS: [&str; 5] = ["results", "keys", "api_keys", "apiKeys", "data"];
/// The names of a key's fields.
const KEY: [&str; 5] = ["key", "api_key", "apiKey", "token", "secret"];
const DIGEST: [&str; 4] = ["digest", "sha256", "hash", "key_hash"];
const CLIENT: [&str; 5] = ["client", "name", "username", "owner", "user"];
const CREATED: [&str; 3] = ["created", "created_at", "createdAt"];
const EXPIRES: [&str; 3] = ["expires", "expires_at", "expiresAt"];

/// Parses a map of keys and names, a list of keys, or a list of objects.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    for document in Node::parse(text)? {
        let list = LISTS.into_iter().find(|name| document.get(name).is_some());
        let (place, node) = match list {
            Some(name) => (name, document.get(name).unwrap_or(&document)),
            None => ("", &document),
        };
        read_map(place, node, draft)?;
        for (index, item) in node.as_list().iter().enumerate() {
            read_item(&format!("{place}[{index}]"), item, draft);
        }
    }
    Ok(())
}

fn read_map(place: &str, map: &Node, draft: &mut Draft) -> Result<(), Fault> {
    if map.entries().is_empty() {
        return Ok(());
    }
    let mut pairs = Vec::new();
    for (index, (left, right)) in map.entries().iter().enumerate() {
        let place = at(place, format!("entry {}", index + 1));
        let Some(right) = right.as_text() else {
            let why =
                "the value is not a string: a map must have keys and names in quotes".to_owned();
            return Err(Fault { at: place, why });
        };
        pairs.push((place, left.as_str(), right));
    }
    let side = match draft.options().keys {
        Some(side) => side,
        None => side(&pairs).ok_or_else(|| Fault {
            at: place.to_owned(),
            why: "it is unclear which side has the keys: give --keys left or --keys right"
                .to_owned(),
        })?,
    };
    for (place, left, right) in pairs {
        let (key, client) = if side == Side::Left { (left, right) } else { (right, left) };
        draft.add(Entry::new(place, Some(client), Secret::plain(key)));
    }
    Ok(())
}

/// Returns the side with the keys, if all texts on that side look like keys and none on the other side does.
fn side(pairs: &[(String, &str, &str)]) -> Option<Side> {
    let all_left = pairs.iter().all(|(_, left, _)| looks_like_key(left));
    let all_right = pairs.iter().all(|(_, _, right)| looks_like_key(right));
    let any_left = pairs.iter().any(|(_, left, _)| looks_like_key(left));
    let any_right = pairs.iter().any(|(_, _, right)| looks_like_key(right));
    match (all_left && !any_right, all_right && !any_left) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}

fn read_item(place: &str, item: &Node, draft: &mut Draft) {
    if let Some(key) = item.as_text() {
        return draft.add(Entry::new(place, None, Secret::plain(key)));
    }
    let first = |names: &[&str]| names.iter().find_map(|name| item.text(name));
    let secret = match secret::of_fields(first(&KEY), first(&DIGEST)) {
        Ok(Some(secret)) => secret,
        Ok(None) => return draft.fault(place, "it has neither a `key` nor a `digest` string"),
        Err(why) => return draft.leave_out(place, why),
    };
    let client = first(&CLIENT);
    let mut entry = Entry::new(place, client, secret);
    entry.label = item.text("label").or_else(|| item.text("description"));
    for (names, time) in [(&CREATED, &mut entry.created), (&EXPIRES, &mut entry.expires)] {
        for name in names {
            match secret::time_in(item, name, None) {
                Ok(found) => *time = time.or(found),
                Err(why) => return draft.fault(at(place, name), &why),
            }
        }
    }
    if state::is_object_off(item) {
        return draft.leave_out(place, state::REASON);
    }
    draft.add(entry);
    let Some(client) = client.filter(|client| draft.clients.contains_key(*client)) else { return };
    for (place, scope) in item.items(place, "scopes") {
        if let Some(scope) = scope.as_text() {
            draft.add_scope(&place, client, scope);
        }
    }
    if item.get("actions").is_some() {
        draft.setting("actions");
    }
}
