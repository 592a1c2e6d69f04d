//! Changes to the text of a key file: pieces are put in and taken out where the parser says that
//! something begins or ends, and every other byte stays.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use zeroize::Zeroizing;

use super::parse::DEFAULT_CLIENT;
use crate::digest::KeyDigest;

mod gone;
mod insert;
mod outline;
mod remove;
mod write;

use gone::Gone;
pub(super) use outline::Outline;
use outline::{Entry, Piece};
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
    /// Those of them that leave the comment behind them where it is.
    comments_left: BTreeSet<usize>,
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
            comments_left: BTreeSet::new(),
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
            Some(field) => self.splices.push(replacement(&field.value, value.flow())),
            None if enabled => {}
            None => self.addition(name).fields.insert(0, ("enabled".to_owned(), value)),
        }
    }

    /// Takes out a client with its keys, those of the short forms included.
    pub(super) fn remove_client(&mut self, name: &str) {
        let clients = self.root_field("clients");
        let place = clients.and_then(|clients| {
            clients.value.entries().iter().position(|entry| entry.key.text() == Some(name))
        });
        if let (Some(clients), Some(place)) = (clients, place) {
            let splices =
                remove::entries(self.outline, &clients.value, &[place].into(), &[].into());
            self.splices.extend(splices);
        }
        self.gone
            .extend(self.shorts().iter().filter(|short| short.client == name).map(Short::place));
    }

    pub(super) fn add_key(&mut self, client: &str, fields: Vec<(String, Value)>) {
        let item = Item { value: Value::Mapping(fields), comment: None };
        self.addition(client).keys.push(item);
    }

    /// Sets fields of a key; one of a short form becomes a digest first.
    pub(super) fn set_key(&mut self, digest: KeyDigest, fields: Vec<(String, Value)>) {
        if let Some(key) = self.long(digest) {
            let splices = insert::fields(self.outline, key, &fields, self.eol);
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

    fn lengthen(&mut self, short: &Short<'_>, fields: Vec<(String, Value)>) {
        let digest = Value::Raw(short.digest().to_text());
        let fields = [("digest".to_owned(), digest)].into_iter().chain(fields);
        let value = Value::Mapping(fields.collect());
        let comment = short.comment(self.outline.text);
        let comment = if self.is_between_brackets(short.client) {
            // Nothing can stand behind the digest there.
            self.comments_left.extend(comment.map(|_| short.place()));
            None
        } else {
            comment
        };
        self.addition(short.client).keys.push(Item { value, comment });
        self.gone.insert(short.place());
    }

    /// The text with all the changes in it.
    ///
    /// # Errors
    ///
    /// The line of a key in clear that is to be taken out of the file, and stands somewhere else too: in
    /// a comment, most likely.
    pub(super) fn finish(mut self) -> Result<Zeroizing<String>, usize> {
        let removals = remove::shorts(self.outline, &self.gone, &self.comments_left);
        let additions = std::mem::take(&mut self.additions);
        let insertions =
            insert::additions(self.outline, &self.clients, additions, &self.gone, self.eol);
        self.splices.extend(removals.into_iter().chain(insertions));
        // Stable: what goes to one place goes there in the order in which it was asked for.
        self.splices.sort_by_key(|(range, _)| (range.start, range.end));

        // A key that was revoked or removed is no secret any more, and is not to live on for a comment.
        let gone = if self.without_copies { self.shorts() } else { Vec::new() };
        let gone = Gone::new(self.outline.text, gone)?;
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

    /// Whether the keys of a client stand between brackets, or would.
    fn is_between_brackets(&self, name: &str) -> bool {
        let clients = self.root_field("clients").map(|clients| &clients.value);
        let client = self.client(name).map(|client| &client.value);
        let keys = client.and_then(|client| client.field("keys")).map(|keys| &keys.value);
        let is_filled = |piece: &Piece<'_>| {
            piece.is_flow()
                && (!piece.is_empty() || self.outline.text[piece.range.clone()].contains('#'))
        };
        self.outline.root.as_ref().is_some_and(Piece::is_flow)
            || [clients, client, keys].into_iter().flatten().any(is_filled)
    }

    /// The key with this digest in `clients:`.
    fn long(&self, digest: KeyDigest) -> Option<&'a Piece<'a>> {
        let clients = self.root_field("clients")?.value.entries().iter();
        let keys = clients.filter_map(|client| client.value.field("keys"));
        let mut items = keys.flat_map(|keys| keys.value.items());
        items.find(|item| {
            let text = item.field("digest").and_then(|field| field.value.text());
            text.is_some_and(|text| text.parse() == Ok(digest))
        })
    }

    /// The keys of `api_key` and `api_keys`, in the order of the file.
    fn shorts(&self) -> Vec<Short<'a>> {
        let one = self.root_field("api_key").into_iter();
        let one = one.filter_map(|entry| Short::new(entry, &entry.value, DEFAULT_CLIENT));
        let many = self.root_field("api_keys").into_iter();
        let many = many.flat_map(|entry| entry.value.entries());
        let many = many.filter_map(|entry| Short::new(entry, &entry.key, entry.value.text()?));
        let mut shorts = one.chain(many).collect::<Vec<_>>();
        shorts.sort_by_key(Short::place);
        shorts
    }
}

fn replacement(piece: &Piece<'_>, put: String) -> (Range<usize>, Zeroizing<String>) {
    (piece.range.clone(), Zeroizing::new(put))
}
