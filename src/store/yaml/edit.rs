//! Edits of the text of a key file. Lines and values are inserted, replaced and removed at byte offsets from the parser;
//! every other byte is kept.
//!
//! Block style only: the caller loads the edited text and compares it with the intended keys, so that an unusual layout
//! is refused.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem;

use zeroize::Zeroizing;

use super::facts::{Fields, present, with_digest};
use super::file::EditErrorKind;
use super::outline::{Entry, Outline, Piece, line_number};
use super::value::{Item, Value};
use crate::key::KeyDigest;

mod merge;
mod plaintext;
mod splice;

use plaintext::{PlaintextEntry, line_with_key};
use splice::Splice;

/// An edit of a key file, built step by step.
pub(super) struct Edit<'a> {
    outline: &'a Outline<'a>,
    /// The entries below `clients:`, by name.
    clients: HashMap<&'a str, &'a Entry<'a>>,
    splices: Vec<Splice>,
    /// New fields of the file, written after new clients.
    additions_to_root: Fields,
    /// New fields and keys of clients, by name.
    additions: HashMap<String, Addition>,
    /// The entries of `api_key` and `api_keys`, in the order of the file.
    plaintext: Vec<PlaintextEntry<'a>>,
    /// The offsets of plaintext entries to remove.
    removed: BTreeSet<usize>,
    /// The line of a copy of a key that must have none, for example in a comment.
    copy: Option<usize>,
}

/// New fields and keys of one client.
#[derive(Default)]
struct Addition {
    /// The number of clients with an earlier addition.
    position: usize,
    fields: Fields,
    keys: Vec<Item>,
}

impl<'a> Edit<'a> {
    pub(super) fn of(outline: &'a Outline<'a>) -> Self {
        let clients = outline.field("clients").map_or(&[][..], |clients| clients.value.entries());
        let named = clients.iter().filter_map(|entry| Some((entry.key.text()?, entry)));
        Self {
            outline,
            clients: named.collect(),
            splices: Vec::new(),
            additions_to_root: Vec::new(),
            additions: HashMap::new(),
            plaintext: PlaintextEntry::all(outline),
            removed: BTreeSet::new(),
            copy: None,
        }
    }

    /// Adds a client that is not in the file.
    pub(super) fn add_client(&mut self, name: &str, fields: Fields) {
        self.addition(name).fields.extend(fields);
    }

    /// Sets and removes fields of the file itself.
    pub(super) fn set_root(&mut self, fields: Fields) {
        self.additions_to_root = match self.outline.home() {
            Some(root) if !root.is_empty() => self.set_fields(root, &fields),
            _ => present(fields),
        };
    }

    /// Sets and removes fields of a client. New ones come first, where they are not overlooked.
    pub(super) fn set_client(&mut self, name: &str, fields: Fields) {
        match self.clients.get(name).copied().filter(|client| !client.value.is_empty()) {
            None => self.addition(name).fields.extend(present(fields)),
            Some(client) => {
                let new = self.set_fields(&client.value, &fields);
                self.splices.push(self.outline.add_first(client, &Value::Mapping(new)));
            }
        }
    }

    /// Sets fields of a mapping, and removes those with an empty value. Returns the new fields, which the caller must
    /// add.
    fn set_fields(&mut self, mapping: &Piece<'_>, fields: &Fields) -> Fields {
        let mut new = Vec::new();
        for (name, value) in fields {
            match mapping.field(name) {
                Some(old) if value.is_empty() => {
                    self.splices.push(self.outline.remove_field(mapping, old, fields));
                }
                Some(old) => self.splices.extend(self.outline.replace(old, value)),
                None => new.push((name.clone(), value.clone())),
            }
        }
        present(new)
    }

    /// Removes a client with its keys, including plaintext entries.
    pub(super) fn remove_client(&mut self, name: &str) {
        let client = self.clients.get(name);
        self.splices.extend(client.map(|client| self.outline.removal(client.range())));
        let keys = self.plaintext.iter().filter(|entry| entry.client == name);
        self.removed.extend(keys.map(PlaintextEntry::offset));
    }

    /// Removes keys of a client, including plaintext entries. With its last key, the field `keys` is removed, too.
    pub(super) fn remove_keys(&mut self, client: &str, digests: &[KeyDigest]) {
        let digests = digests.iter().copied().collect::<HashSet<_>>();
        let entries = self.plaintext.iter().filter(|entry| digests.contains(&entry.digest()));
        self.removed.extend(entries.map(PlaintextEntry::offset));
        let client = self.clients.get(client);
        let Some(keys) = client.and_then(|client| client.value.field("keys")) else { return };
        let is_flow = keys.value.is_filled_flow(self.outline.text);
        let inside = if is_flow { keys.value.range.start } else { keys.key.range.start };
        let is_removed = |key: &&Piece<'_>| digest_of(key).is_some_and(|it| digests.contains(&it));
        let removed = keys.value.items().iter().filter(is_removed).collect::<Vec<_>>();
        for key in &removed {
            self.splices.push(Splice { inside, ..self.outline.removal(key.range.clone()) });
        }
        if !removed.is_empty() && removed.len() == keys.value.items().len() {
            self.splices.extend(self.outline.removal_of_name(keys));
        }
    }

    pub(super) fn add_key(&mut self, client: &str, key: Value) {
        self.addition(client).keys.push(Item::from(key));
    }

    /// Sets and removes fields of a key. A plaintext entry is replaced with its digest first.
    pub(super) fn set_key(&mut self, digest: KeyDigest, fields: Fields) {
        if let Some(key) = self.find_digest(digest) {
            let new = self.set_fields(key, &fields);
            self.splices.push(self.outline.append(key, &Value::Mapping(new)));
        } else if let Some(entry) = self.plaintext.iter().find(|entry| entry.digest() == digest) {
            self.replace_with_digest(*entry, present(fields));
        }
    }

    /// Replaces all plaintext entries with their digests, and returns their number.
    pub(super) fn hash_keys(&mut self) -> usize {
        self.copy = line_with_key(self.outline, &self.plaintext);
        for entry in self.plaintext.clone() {
            self.replace_with_digest(entry, Vec::new());
        }
        self.plaintext.len()
    }

    fn replace_with_digest(&mut self, entry: PlaintextEntry<'a>, fields: Fields) {
        let value = with_digest(entry.digest(), fields);
        let comment = entry.comment(self.outline.text);
        self.addition(entry.client).keys.push(Item { value, comment });
        self.removed.insert(entry.offset());
    }

    /// Returns the edited text, and the line of the first part that changes.
    ///
    /// # Errors
    ///
    /// A part in flow style would have to change, or a plaintext key that would be removed also appears elsewhere, most
    /// likely in a comment.
    pub(super) fn finish(mut self) -> Result<(Zeroizing<String>, usize), EditErrorKind> {
        self.splice_additions();
        self.splice_removals();
        // Where nothing is added, the style does not matter.
        self.splices.retain(|splice| !splice.range.is_empty() || !splice.new.is_empty());
        let text = self.outline.text;
        if let Some(flow) =
            self.splices.iter().find_map(|splice| self.outline.flow_at(splice.inside))
        {
            return Err(EditErrorKind::Flow { line: line_number(text, flow.range.start) });
        }
        // A revoked or removed key is not secret any more, so a copy of it does not block the edit.
        if let Some(line) = self.copy {
            return Err(EditErrorKind::PlaintextElsewhere { line });
        }
        // The sort is stable, which keeps insertions at one offset in the order of the calls.
        self.splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
        let first = self.splices.first().map_or(0, |splice| splice.inside);
        Ok((splice::apply(text, &self.splices), line_number(text, first)))
    }

    fn splice_additions(&mut self) {
        let mut new = Vec::new();
        let mut additions = mem::take(&mut self.additions).into_iter().collect::<Vec<_>>();
        additions.sort_by_key(|(_, addition)| addition.position);
        for (client, Addition { mut fields, keys, .. }) in additions {
            let known = self.clients.get(&*client);
            match known.and_then(|client| client.value.field("keys")) {
                _ if keys.is_empty() => {}
                Some(old) => self.splices.extend(self.outline.add(old, &Value::List(keys))),
                None => fields.push(("keys".to_owned(), Value::List(keys))),
            }
            match known {
                Some(_) if fields.is_empty() => {}
                Some(client) => {
                    self.splices.extend(self.outline.add(client, &Value::Mapping(fields)));
                }
                None => new.push((client, Value::Mapping(fields))),
            }
        }
        let mut fields = mem::take(&mut self.additions_to_root);
        match self.outline.field("clients") {
            _ if new.is_empty() => {}
            Some(clients) => self.splices.extend(self.outline.add(clients, &Value::Mapping(new))),
            None => fields.insert(0, ("clients".to_owned(), Value::Mapping(new))),
        }
        if !fields.is_empty() {
            self.splices.extend(self.outline.add_to_home(Value::Mapping(fields)));
        }
    }

    /// Removes plaintext entries. With its last entry, the field `api_keys` is removed, too.
    fn splice_removals(&mut self) {
        let removed = self.plaintext.iter().filter(|entry| self.removed.contains(&entry.offset()));
        self.splices.extend(removed.map(|entry| self.outline.removal(entry.entry.range())));
        let is_removed = |key: &Entry<'_>| self.removed.contains(&key.key.range.start);
        for field in self.outline.key_fields("api_keys") {
            let keys = field.value.entries();
            if !keys.is_empty() && keys.iter().all(is_removed) {
                self.splices.extend(self.outline.removal_of_name(field));
            }
        }
    }

    fn addition(&mut self, client: &str) -> &mut Addition {
        let new = Addition { position: self.additions.len(), ..Addition::default() };
        self.additions.entry(client.to_owned()).or_insert(new)
    }

    fn find_digest(&self, digest: KeyDigest) -> Option<&'a Piece<'a>> {
        let clients = self.outline.field("clients")?.value.entries().iter();
        let keys = clients.filter_map(|client| client.value.field("keys"));
        keys.flat_map(|keys| keys.value.items()).find(|key| digest_of(key) == Some(digest))
    }
}

fn digest_of(key: &Piece<'_>) -> Option<KeyDigest> {
    key.field("digest")?.value.text()?.parse().ok()
}
