//! Edits of the text of a key file. Lines and values are inserted, replaced and removed at byte offsets from the parser;
//! every other byte is kept.
//!
//! Block style only: the caller loads the edited text and compares it with the intended keys, so that an unusual layout
//! is refused.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem;

use zeroize::Zeroizing;

use super::file::EditErrorKind;
use super::parse::DEFAULT_CLIENT;
use crate::key::KeyDigest;

mod merge;
mod outline;
mod plaintext;
mod reading;
mod splice;
mod write;

pub(super) use outline::Outline;
use outline::{Entry, Piece, line_number};
use plaintext::{PlaintextEntry, line_with_key};
use splice::Splice;
use write::Item;
pub(super) use write::Value;

/// An edit of a key file, built step by step.
pub(super) struct Edit<'a> {
    outline: &'a Outline<'a>,
    /// The entries below `clients:`, by name.
    clients: HashMap<&'a str, &'a Entry<'a>>,
    splices: Vec<Splice>,
    /// New fields of the file, written after new clients.
    additions_to_root: Vec<(String, Value)>,
    /// New fields and keys of clients, in the order of the calls.
    additions: Vec<Addition>,
    /// Indexes into `additions`, by client name.
    addition_indexes: HashMap<String, usize>,
    /// The offsets of plaintext entries to remove.
    removed: BTreeSet<usize>,
    /// Whether copies of the removed keys, for example in comments, are an error.
    forbid_copies: bool,
}

/// A field and its new value; `None` removes it.
pub(super) type Field = (String, Option<Value>);

fn set((name, value): Field) -> Option<(String, Value)> {
    Some((name, value?))
}

/// New fields and keys of one client.
struct Addition {
    client: String,
    fields: Vec<(String, Value)>,
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
            additions: Vec::new(),
            addition_indexes: HashMap::new(),
            removed: BTreeSet::new(),
            forbid_copies: false,
        }
    }

    /// Adds a client that is not in the file.
    pub(super) fn add_client(&mut self, name: &str, fields: Vec<(String, Value)>) {
        self.addition(name).fields.extend(fields);
    }

    /// Sets or removes a field of the file itself.
    pub(super) fn set_root(&mut self, field: Field) {
        let (mut splices, mut new) = (Vec::new(), Vec::new());
        match self.outline.home() {
            Some(root) if !root.is_empty() => {
                (splices, new) = self.outline.set_fields(root, vec![field]);
            }
            _ => new.extend(set(field)),
        }
        self.splices.extend(splices);
        if !new.is_empty() {
            self.additions_to_root = new;
        }
    }

    /// Sets and removes fields of a client.
    pub(super) fn set_client(&mut self, name: &str, fields: Vec<Field>) {
        match self.clients.get(name).copied().filter(|client| !client.value.is_empty()) {
            None => self.addition(name).fields.extend(fields.into_iter().filter_map(set)),
            Some(client) => {
                let (splices, new) = self.outline.set_fields(&client.value, fields);
                self.splices.extend(splices);
                if !new.is_empty() {
                    let new = Value::Mapping(new);
                    self.splices.push(self.outline.add_before_keys(client, &new));
                }
            }
        }
    }

    pub(super) fn set_enabled(&mut self, name: &str, enabled: bool) {
        let client = self.clients.get(name).copied().filter(|client| !client.value.is_empty());
        let (field, text) =
            (client.and_then(|client| client.value.field("enabled")), enabled.to_string());
        let new = vec![("enabled".to_owned(), Value::Raw(text.clone()))];
        match (field, client) {
            (Some(field), _) if field.value.is_text(|old| old.eq_ignore_ascii_case(&text)) => {}
            (Some(field), _) => self.splices.push(Splice::replacement(&field.value, text)),
            (None, _) if enabled => {}
            // Before the other fields, where it is not overlooked.
            (None, Some(client)) => {
                self.splices.push(self.outline.add_first(client, &Value::Mapping(new)));
            }
            (None, None) => drop(self.addition(name).fields.splice(..0, new)),
        }
    }

    /// Removes a client with its keys, including plaintext entries.
    pub(super) fn remove_client(&mut self, name: &str) {
        let client = self.clients.get(name);
        self.splices.extend(client.map(|client| self.outline.removal(client.range())));
        let keys = self.plaintext_entries().into_iter().filter(|entry| entry.client == name);
        self.removed.extend(keys.map(|entry| entry.offset()));
    }

    /// Removes keys of a client, including plaintext entries. If no keys are left, the field `keys` is removed, too,
    /// unless it has comments of its own.
    pub(super) fn remove_keys(&mut self, client: &str, digests: &[KeyDigest]) {
        let digests = digests.iter().copied().collect::<HashSet<_>>();
        let entries = self.plaintext_entries().into_iter();
        let entries = entries.filter(|entry| digests.contains(&entry.digest()));
        self.removed.extend(entries.map(|entry| entry.offset()));
        let client = self.clients.get(client);
        let Some(keys) = client.and_then(|client| client.value.field("keys")) else { return };
        let is_removed = |key: &&Piece<'_>| {
            let digest = key.field("digest").and_then(|field| field.value.text());
            digest.and_then(|text| text.parse().ok()).is_some_and(|it| digests.contains(&it))
        };
        let removed = keys.value.items().iter().filter(is_removed).collect::<Vec<_>>();
        self.splices.extend(self.outline.removals(keys, &removed));
    }

    pub(super) fn add_key(&mut self, client: &str, fields: Vec<(String, Value)>) {
        self.addition(client).keys.push(Item { value: Value::Mapping(fields), comment: None });
    }

    /// Sets and removes fields of a key. A plaintext entry is replaced with its digest first.
    pub(super) fn set_key(&mut self, digest: KeyDigest, fields: Vec<Field>) {
        if let Some(key) = self.find_digest(digest) {
            let (splices, new) = self.outline.set_fields(key, fields);
            self.splices.extend(splices);
            if !new.is_empty() {
                self.splices.push(self.outline.append(key, &Value::Mapping(new)));
            }
        } else if let Some(entry) =
            self.plaintext_entries().into_iter().find(|entry| entry.digest() == digest)
        {
            self.replace_with_digest(&entry, fields.into_iter().filter_map(set).collect());
        }
    }

    /// Replaces all plaintext entries with their digests, and returns their number.
    pub(super) fn hash_keys(&mut self) -> usize {
        self.forbid_copies = true;
        let entries = self.plaintext_entries();
        for entry in &entries {
            self.replace_with_digest(entry, Vec::new());
        }
        entries.len()
    }

    fn replace_with_digest(&mut self, entry: &PlaintextEntry<'a>, fields: Vec<(String, Value)>) {
        let digest = Value::Raw(entry.digest().to_text());
        let fields = [("digest".to_owned(), digest)].into_iter().chain(fields);
        let value = Value::Mapping(fields.collect());
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
        let text = self.outline.text;
        if let Some(flow) =
            self.splices.iter().find_map(|splice| self.outline.flow_at(splice.inside))
        {
            return Err(EditErrorKind::Flow { line: line_number(text, flow.range.start) });
        }
        // A revoked or removed key is not secret any more, so a copy of it must not block the edit.
        if self.forbid_copies
            && let Some(line) = line_with_key(self.outline, &self.plaintext_entries())
        {
            return Err(EditErrorKind::PlaintextElsewhere { line });
        }
        // The sort is stable, which keeps insertions at one offset in the order of the calls.
        self.splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
        let first = self.splices.first().map_or(0, |splice| splice.inside);
        Ok((splice::apply(text, &self.splices), line_number(text, first)))
    }

    fn splice_additions(&mut self) {
        let mut new = Vec::new();
        for Addition { client, mut fields, keys } in mem::take(&mut self.additions) {
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

    /// Removes plaintext entries. With its last entry, the field `api_keys` is removed, too, unless that would lose a
    /// comment.
    fn splice_removals(&mut self) {
        let entries = self.plaintext_entries();
        let removed = entries.iter().filter(|entry| self.removed.contains(&entry.offset()));
        self.splices.extend(removed.map(|entry| self.outline.removal(entry.entry.range())));
        let mut removed = Vec::new();
        for field in self.outline.key_fields("api_keys") {
            let keys = field.value.entries();
            let between = &self.outline.text[field.key.range.end..field.value.range.start];
            if !keys.is_empty()
                && keys.iter().all(|key| self.removed.contains(&key.key.range.start))
                && between.trim_end().trim_start_matches(' ') == ":"
            {
                removed.push(self.outline.removal(field.key.range.clone()));
            }
        }
        self.splices.extend(removed);
    }

    fn addition(&mut self, client: &str) -> &mut Addition {
        let index = *self.addition_indexes.entry(client.to_owned()).or_insert_with(|| {
            let client = client.to_owned();
            self.additions.push(Addition { client, fields: Vec::new(), keys: Vec::new() });
            self.additions.len() - 1
        });
        &mut self.additions[index]
    }

    fn find_digest(&self, digest: KeyDigest) -> Option<&'a Piece<'a>> {
        let clients = self.outline.field("clients")?.value.entries().iter();
        let keys = clients.filter_map(|client| client.value.field("keys"));
        keys.flat_map(|keys| keys.value.items()).find(|key| {
            let field = key.field("digest");
            field.is_some_and(|field| field.value.is_text(|text| text.parse() == Ok(digest)))
        })
    }

    /// Returns the entries of `api_key` and `api_keys`, in the order of the file.
    fn plaintext_entries(&self) -> Vec<PlaintextEntry<'a>> {
        let one = self.outline.key_fields("api_key");
        let one = one.filter_map(|entry| PlaintextEntry::new(entry, &entry.value, DEFAULT_CLIENT));
        let many = self.outline.key_fields("api_keys").flat_map(|field| field.value.entries());
        let many =
            many.filter_map(|entry| PlaintextEntry::new(entry, &entry.key, entry.value.text()?));
        let mut entries = one.chain(many).collect::<Vec<_>>();
        entries.sort_by_key(PlaintextEntry::offset);
        entries
    }
}
