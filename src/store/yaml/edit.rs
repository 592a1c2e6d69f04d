//! Changes to the text of a key file: pieces are put in and taken out where the parser says that
//! something begins or ends, and every other byte stays.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use zeroize::Zeroizing;

use super::file::EditFault;
use super::parse::DEFAULT_CLIENT;
use crate::key::KeyDigest;

mod insert;
mod outline;
mod plaintext_guard;
mod remove;
mod write;

pub(super) use outline::Outline;
use outline::{Entry, Piece};
use plaintext_guard::PlaintextGuard;
use remove::Short;
use write::Item;
pub(super) use write::Value;

/// A change to one key file, put together step by step.
pub(super) struct Edit<'a> {
    outline: &'a Outline<'a>,
    eol: &'static str,
    /// What stands below `clients:`, by name.
    clients: HashMap<&'a str, &'a Entry<'a>>,
    /// What goes, and what comes in its place.
    splices: Vec<(Range<usize>, Zeroizing<String>)>,
    /// What is to be said of clients besides, in the order in which it was asked for.
    additions: Vec<Addition>,
    /// The places of these, by the names of their clients.
    added: HashMap<String, usize>,
    /// The short forms that go.
    gone: BTreeSet<usize>,
    /// Where the first part in flow style begins that would have to change.
    flow: Option<usize>,
    /// Whether no copy of their keys may be left, as in a comment.
    without_copies: bool,
}

/// What one client is to have that it does not.
struct Addition {
    client: String,
    fields: Vec<(String, Value)>,
    keys: Vec<Item>,
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
            added: HashMap::new(),
            gone: BTreeSet::new(),
            flow: None,
            without_copies: false,
        }
    }

    /// Adds a client that the file does not name.
    pub(super) fn add_client(&mut self, name: &str, fields: Vec<(String, Value)>) {
        self.addition(name).fields.extend(fields);
    }

    pub(super) fn set_enabled(&mut self, name: &str, enabled: bool) {
        let value = Value::Raw(enabled.to_string());
        let known = self.client(name).map(|client| &client.value);
        match known.and_then(|client| client.field("enabled")) {
            Some(field)
                if field
                    .value
                    .text()
                    .is_some_and(|text| text.eq_ignore_ascii_case(&value.flow())) => {}
            Some(field) => {
                self.touch([self.clients_piece(), known]);
                self.splices.push(replacement(&field.value, value.flow()));
            }
            None if enabled => {}
            None => self.addition(name).fields.insert(0, ("enabled".to_owned(), value)),
        }
    }

    /// Takes out a client with its keys, those of the short forms included.
    pub(super) fn remove_client(&mut self, name: &str) {
        let clients = self.clients_piece();
        let place = clients.and_then(|clients| {
            clients.entries().iter().position(|entry| entry.key.text() == Some(name))
        });
        if let (Some(clients), Some(place)) = (clients, place) {
            self.touch([Some(clients)]);
            self.splices.extend(remove::entries(self.outline, clients, &[place].into()));
        }
        for short in self.shorts().iter().filter(|short| short.client == name) {
            self.take_out(short);
        }
    }

    pub(super) fn add_key(&mut self, client: &str, fields: Vec<(String, Value)>) {
        self.add_item(client, Item { value: Value::Mapping(fields), comment: None });
    }

    fn add_item(&mut self, client: &str, item: Item) {
        let keys = self.client(client).and_then(|client| client.value.field("keys"));
        self.addition(client).keys.push(item);
        self.touch([keys.map(|keys| &keys.value)]);
    }

    /// Sets fields of a key; one of a short form becomes a digest first.
    pub(super) fn set_key(&mut self, digest: KeyDigest, fields: Vec<(String, Value)>) {
        if let Some(parts) = self.long(digest) {
            let splices = insert::fields(self.outline, parts[3], &fields, self.eol);
            if !splices.is_empty() {
                self.touch(parts.map(Some));
            }
            self.splices.extend(splices);
        } else if let Some(short) = self.shorts().into_iter().find(|short| short.digest() == digest)
        {
            self.lengthen(&short, fields);
        }
    }

    /// Turns all keys of the short forms into digests; says how many.
    pub(super) fn hash(&mut self) -> usize {
        self.without_copies = true;
        let shorts = self.shorts();
        for short in &shorts {
            self.lengthen(short, Vec::new());
        }
        shorts.len()
    }

    fn lengthen(&mut self, short: &Short<'a>, fields: Vec<(String, Value)>) {
        let digest = Value::Raw(short.digest().to_text());
        let fields = [("digest".to_owned(), digest)].into_iter().chain(fields);
        let value = Value::Mapping(fields.collect());
        let comment = short.comment(self.outline.text);
        self.add_item(short.client, Item { value, comment });
        self.take_out(short);
    }

    fn take_out(&mut self, short: &Short<'a>) {
        self.touch([short.parent]);
        self.gone.insert(short.place());
    }

    /// Remembers the first part in flow style among these and the document, which all have to change.
    fn touch<const N: usize>(&mut self, parts: [Option<&Piece<'a>>; N]) {
        let mut parts = self.outline.root.iter().chain(parts.into_iter().flatten());
        let flow = parts.find(|part| part.is_filled_flow(self.outline.text));
        self.flow = self.flow.or(flow.map(|part| part.range.start));
    }

    /// The text with all the changes in it.
    ///
    /// # Errors
    ///
    /// Something in flow style would have to change; or a key in clear is to be taken out of the file,
    /// and stands somewhere else too: in a comment, most likely.
    pub(super) fn finish(mut self) -> Result<Zeroizing<String>, EditFault> {
        if let Some(place) = self.flow {
            return Err(EditFault::Flow { line: line(self.outline.text, place) });
        }
        self.spliced().map_err(|line| EditFault::PlainElsewhere { line })
    }

    /// # Errors
    ///
    /// The line on which a key in clear would be left.
    fn spliced(&mut self) -> Result<Zeroizing<String>, usize> {
        let removals = remove::shorts(self.outline, &self.gone);
        let additions = std::mem::take(&mut self.additions);
        let insertions = insert::additions(self.outline, &self.clients, additions, self.eol);
        self.splices.extend(removals.into_iter().chain(insertions));
        // Stable: what goes to one place goes there in the order in which it was asked for.
        self.splices.sort_by_key(|(range, _)| (range.start, range.end));

        // A key that was revoked or removed is no secret any more, and is not to live on for a comment.
        let gone = if self.without_copies { self.shorts() } else { Vec::new() };
        let gone = PlaintextGuard::new(self.outline.text, gone)?;
        self.outline.root.as_ref().map_or(Ok(()), |root| gone.none_in_texts(root))?;
        let text = self.outline.text;
        let more: usize = self.splices.iter().map(|(_, put)| put.len()).sum();
        let mut edited = Zeroizing::new(String::with_capacity(text.len() + more));
        let mut end = 0;
        for (range, put) in &self.splices {
            // Changes that overlap would be a fault of ours: what comes of it is loaded and compared
            // before it is used.
            let kept = end..range.start.max(end);
            gone.none_in_kept(kept.clone())?;
            gone.none_in_new(put)?;
            edited.push_str(&text[kept]);
            // The line that did not end may be gone.
            let begun = edited.ends_with(|last| last != '\n' && last != '\u{feff}');
            let is_behind_all = range.start == text.len() && !begun;
            let put = if is_behind_all { put.strip_prefix(self.eol) } else { None }.unwrap_or(put);
            edited.push_str(put);
            end = end.max(range.end);
        }
        gone.none_in_kept(end..text.len())?;
        edited.push_str(&text[end..]);
        Ok(edited)
    }

    fn addition(&mut self, client: &str) -> &mut Addition {
        self.touch([self.clients_piece(), self.client(client).map(|client| &client.value)]);
        let known = self.added.get(client).copied();
        let place = known.unwrap_or(self.additions.len());
        if known.is_none() {
            self.added.insert(client.to_owned(), place);
            let client = client.to_owned();
            self.additions.push(Addition { client, fields: Vec::new(), keys: Vec::new() });
        }
        &mut self.additions[place]
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

    /// The key with this digest in `clients:`, behind all that it stands in.
    fn long(&self, digest: KeyDigest) -> Option<[&'a Piece<'a>; 4]> {
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

    /// The keys of `api_key` and `api_keys`, in the order of the file.
    fn shorts(&self) -> Vec<Short<'a>> {
        let one = self.root_field("api_key").into_iter();
        let one = one.filter_map(|entry| Short::new(entry, &entry.value, DEFAULT_CLIENT, None));
        let many = self.root_field("api_keys").into_iter();
        let many = many.flat_map(|field| {
            let entries = field.value.entries().iter();
            entries.map(|entry| (entry, &field.value))
        });
        let many = many.filter_map(|(entry, parent)| {
            Short::new(entry, &entry.key, entry.value.text()?, Some(parent))
        });
        let mut shorts = one.chain(many).collect::<Vec<_>>();
        shorts.sort_by_key(Short::place);
        shorts
    }
}

fn replacement(piece: &Piece<'_>, put: String) -> (Range<usize>, Zeroizing<String>) {
    (piece.range.clone(), Zeroizing::new(put))
}

fn line(text: &str, place: usize) -> usize {
    text[..place].split('\n').count()
}
