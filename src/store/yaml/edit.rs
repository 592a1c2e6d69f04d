//! Edits of the text of a key file. Pieces are inserted and removed at byte offsets from the parser; every other byte
//! is kept.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use zeroize::Zeroizing;

use super::file::EditErrorKind;
use super::parse::DEFAULT_CLIENT;
use crate::key::KeyDigest;

mod insert;
mod key_set;
mod outline;
mod plaintext_entry;
mod plaintext_guard;
mod remove;
mod write;

use insert::Addition;
pub(super) use outline::Outline;
use outline::{Entry, Piece, line_number};
use plaintext_entry::PlaintextEntry;
use plaintext_guard::PlaintextGuard;
use write::Item;
pub(super) use write::Value;

/// An edit of a key file, built step by step.
pub(super) struct Edit<'a> {
    outline: &'a Outline<'a>,
    eol: &'static str,
    /// The entries below `clients:`, by name.
    clients: HashMap<&'a str, &'a Entry<'a>>,
    /// Ranges to replace, and their new text.
    splices: Vec<(Range<usize>, Zeroizing<String>)>,
    /// New fields and keys of clients, in the order of the calls.
    additions: Vec<Addition>,
    /// Indexes into `additions`, by client name.
    addition_indexes: HashMap<String, usize>,
    /// The offsets of plaintext entries to remove.
    removed: BTreeSet<usize>,
    /// The offset of the first part in flow style that would have to change.
    flow: Option<usize>,
    /// Whether copies of the removed keys, as in comments, are an error.
    forbid_copies: bool,
}

impl<'a> Edit<'a> {
    pub(super) fn of(outline: &'a Outline<'a>) -> Self {
        let eol = if outline.text.contains("\r\n") { "\r\n" } else { "\n" };
        let clients = outline.root.as_ref().and_then(|root| root.field("clients"));
        let clients = clients.map_or(&[][..], |clients| clients.value.entries());
        let named = clients.iter().filter_map(|entry| Some((entry.key.text()?, entry)));
        Self {
            outline,
            eol,
            clients: named.collect(),
            splices: Vec::new(),
            additions: Vec::new(),
            addition_indexes: HashMap::new(),
            removed: BTreeSet::new(),
            flow: None,
            forbid_copies: false,
        }
    }

    /// Adds a client that is not in the file.
    pub(super) fn add_client(&mut self, name: &str, fields: Vec<(String, Value)>) {
        self.addition(name).fields.extend(fields);
    }

    pub(super) fn set_enabled(&mut self, name: &str, enabled: bool) {
        let value = Value::Raw(enabled.to_string());
        let client = self.client(name).map(|client| &client.value);
        match client.and_then(|client| client.field("enabled")) {
            Some(field)
                if field
                    .value
                    .text()
                    .is_some_and(|text| text.eq_ignore_ascii_case(&value.flow())) => {}
            Some(field) => {
                self.check_flow([self.clients_piece(), client]);
                self.splices.push(replacement(&field.value, value.flow()));
            }
            None if enabled => {}
            None => self.addition(name).fields.insert(0, ("enabled".to_owned(), value)),
        }
    }

    /// Removes a client with its keys, including plaintext entries.
    pub(super) fn remove_client(&mut self, name: &str) {
        let clients = self.clients_piece();
        let index = clients.and_then(|clients| {
            clients.entries().iter().position(|entry| entry.key.text() == Some(name))
        });
        if let (Some(clients), Some(index)) = (clients, index) {
            self.check_flow([Some(clients)]);
            self.splices.extend(remove::entries(self.outline, clients, &[index].into()));
        }
        for entry in self.plaintext_entries().iter().filter(|entry| entry.client == name) {
            self.remove_plaintext(entry);
        }
    }

    pub(super) fn add_key(&mut self, client: &str, fields: Vec<(String, Value)>) {
        self.add_item(client, Item { value: Value::Mapping(fields), comment: None });
    }

    fn add_item(&mut self, client: &str, item: Item) {
        let keys = self.client(client).and_then(|client| client.value.field("keys"));
        self.addition(client).keys.push(item);
        self.check_flow([keys.map(|keys| &keys.value)]);
    }

    /// Sets fields of a key. A plaintext entry is replaced with its digest first.
    pub(super) fn set_key(&mut self, digest: KeyDigest, fields: Vec<(String, Value)>) {
        if let Some(parts) = self.find_digest(digest) {
            let splices = insert::fields(self.outline, parts[3], &fields, self.eol);
            if !splices.is_empty() {
                self.check_flow(parts.map(Some));
            }
            self.splices.extend(splices);
        } else if let Some(entry) =
            self.plaintext_entries().into_iter().find(|entry| entry.digest() == digest)
        {
            self.replace_with_digest(&entry, fields);
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
        self.add_item(entry.client, Item { value, comment });
        self.remove_plaintext(entry);
    }

    fn remove_plaintext(&mut self, entry: &PlaintextEntry<'a>) {
        self.check_flow([entry.parent]);
        self.removed.insert(entry.offset());
    }

    /// Records the first part in flow style among the root and these parts, which all have to change.
    fn check_flow<const N: usize>(&mut self, parts: [Option<&Piece<'a>>; N]) {
        let mut parts = self.outline.root.iter().chain(parts.into_iter().flatten());
        let flow = parts.find(|part| part.is_filled_flow(self.outline.text));
        self.flow = self.flow.or(flow.map(|part| part.range.start));
    }

    /// Returns the edited text.
    ///
    /// # Errors
    ///
    /// A part in flow style would have to change, or a plaintext key to be removed also appears elsewhere, most
    /// likely in a comment.
    pub(super) fn finish(mut self) -> Result<Zeroizing<String>, EditErrorKind> {
        if let Some(offset) = self.flow {
            return Err(EditErrorKind::Flow { line: line_number(self.outline.text, offset) });
        }
        self.splice().map_err(|line| EditErrorKind::PlaintextElsewhere { line })
    }

    /// # Errors
    ///
    /// The line on which a plaintext key would remain.
    fn splice(&mut self) -> Result<Zeroizing<String>, usize> {
        let removals = remove::plaintext_entries(self.outline, &self.removed);
        let additions = std::mem::take(&mut self.additions);
        let insertions = insert::additions(self.outline, &self.clients, additions, self.eol);
        self.splices.extend(removals.into_iter().chain(insertions));
        // The sort is stable, which keeps insertions at one offset in the order of the calls.
        self.splices.sort_by_key(|(range, _)| (range.start, range.end));

        // A revoked or removed key is no secret any more, and a copy of it must not block the edit.
        let hashed = if self.forbid_copies { self.plaintext_entries() } else { Vec::new() };
        let guard = PlaintextGuard::new(self.outline.text, hashed)?;
        self.outline.root.as_ref().map_or(Ok(()), |root| guard.check_texts(root))?;
        let text = self.outline.text;
        let more: usize = self.splices.iter().map(|(_, new)| new.len()).sum();
        let mut edited = Zeroizing::new(String::with_capacity(text.len() + more));
        let mut end = 0;
        for (range, new) in &self.splices {
            // Overlapping splices would be a bug. The result is loaded and compared before it is used.
            let kept = end..range.start.max(end);
            guard.check_kept(kept.clone())?;
            guard.check_new(new)?;
            edited.push_str(&text[kept]);
            // A last line without a line end may have been removed.
            let is_in_line = edited.ends_with(|last| last != '\n' && last != '\u{feff}');
            let is_at_end = range.start == text.len() && !is_in_line;
            let new = if is_at_end { new.strip_prefix(self.eol) } else { None }.unwrap_or(new);
            edited.push_str(new);
            end = end.max(range.end);
        }
        guard.check_kept(end..text.len())?;
        edited.push_str(&text[end..]);
        Ok(edited)
    }

    fn addition(&mut self, client: &str) -> &mut Addition {
        self.check_flow([self.clients_piece(), self.client(client).map(|client| &client.value)]);
        let known = self.addition_indexes.get(client).copied();
        let index = known.unwrap_or(self.additions.len());
        if known.is_none() {
            self.addition_indexes.insert(client.to_owned(), index);
            let client = client.to_owned();
            self.additions.push(Addition { client, fields: Vec::new(), keys: Vec::new() });
        }
        &mut self.additions[index]
    }

    fn root_field(&self, name: &str) -> Option<&'a Entry<'a>> {
        self.outline.root.as_ref()?.field(name)
    }

    fn client(&self, name: &str) -> Option<&'a Entry<'a>> {
        self.clients.get(name).copied()
    }

    fn clients_piece(&self) -> Option<&'a Piece<'a>> {
        self.root_field("clients").map(|clients| &clients.value)
    }

    /// Finds the key with this digest in `clients:`; returns all values around it, from the outside in, and the key.
    fn find_digest(&self, digest: KeyDigest) -> Option<[&'a Piece<'a>; 4]> {
        let clients = self.clients_piece()?;
        clients.entries().iter().find_map(|client| {
            let keys = &client.value.field("keys")?.value;
            let key = keys.items().iter().find(|item| {
                let text = item.field("digest").and_then(|field| field.value.text());
                text.is_some_and(|text| text.parse() == Ok(digest))
            })?;
            Some([clients, &client.value, keys, key])
        })
    }

    /// Returns the entries of `api_key` and `api_keys`, in the order of the file.
    fn plaintext_entries(&self) -> Vec<PlaintextEntry<'a>> {
        let one = self.root_field("api_key").into_iter();
        let one =
            one.filter_map(|entry| PlaintextEntry::new(entry, &entry.value, DEFAULT_CLIENT, None));
        let many = self.root_field("api_keys").into_iter();
        let many = many.flat_map(|field| {
            let entries = field.value.entries().iter();
            entries.map(|entry| (entry, &field.value))
        });
        let many = many.filter_map(|(entry, parent)| {
            PlaintextEntry::new(entry, &entry.key, entry.value.text()?, Some(parent))
        });
        let mut entries = one.chain(many).collect::<Vec<_>>();
        entries.sort_by_key(PlaintextEntry::offset);
        entries
    }
}

fn replacement(piece: &Piece<'_>, new: String) -> (Range<usize>, Zeroizing<String>) {
    (piece.range.clone(), Zeroizing::new(new))
}
