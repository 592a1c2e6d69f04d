//! The content as a tree of YAML, before its layout is chosen.

use jiff::Timestamp;

use super::super::content::{Client, Content, Key, NAMES, hour};
use super::super::dice::Dice;
use super::Owner;
use crate::editing::fixture::{digest, key};

pub(super) enum Node {
    Null,
    Text(String),
    Map(Vec<Entry>),
    /// For entries without a name.
    List(Vec<Entry>),
}

pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: Node,
    pub(super) owner: Owner,
}

impl Node {
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(_) => false,
            Self::Map(entries) | Self::List(entries) => entries.is_empty(),
        }
    }
}

const FILE: Owner = Owner { client: None, key: None, short: None, is_sure: true };

pub(super) fn root(content: &Content, dice: &mut Dice) -> Node {
    let mut fields = Vec::new();
    let (one, many) =
        content.shorts.split_at(usize::from(content.has_api_key).min(content.shorts.len()));
    let short = |&(letter, name): &(char, usize)| Owner {
        client: Some(name),
        key: Some(letter),
        short: Some(letter),
        is_sure: true,
    };
    for one in one {
        fields.push(entry("api_key", Node::Text(key(one.0)), short(one)));
    }
    if !many.is_empty() || dice.once_in(3) {
        let entries = many
            .iter()
            .map(|one| entry(&key(one.0), Node::Text(NAMES[one.1].to_owned()), short(one)));
        let owner = Owner { is_sure: false, ..FILE };
        fields.push(entry("api_keys", Node::Map(entries.collect()), owner));
    }
    if !content.clients.is_empty() || dice.once_in(3) {
        let clients = content.clients.iter().map(|one| client(one, dice)).collect();
        fields.push(entry("clients", Node::Map(clients), FILE));
    }
    if dice.once_in(3) {
        fields.push(entry("version", Node::Text("1".to_owned()), FILE));
    }
    rotate(&mut fields, dice);
    Node::Map(fields)
}

fn client(client: &Client, dice: &mut Dice) -> Entry {
    let owner = Owner { client: Some(client.name), ..FILE };
    let field = |name: &str, value| entry(name, value, owner);
    let text = |text: &str| Node::Text(text.to_owned());
    let mut fields = Vec::new();
    if !client.keys.is_empty() || dice.once_in(3) {
        let keys = client.keys.iter().map(|key| self::long(key, owner, dice)).collect();
        fields.push(field("keys", Node::List(keys)));
    }
    if !client.scopes.is_empty() {
        let scopes = client.scopes.iter().map(|scope| entry("", text(scope), owner));
        fields.push(field("scopes", Node::List(scopes.collect())));
    }
    fields.extend(client.quota.map(|quota| field("quota", text(quota))));
    if !client.metadata.is_empty() {
        let metadata = client.metadata.iter().map(|(name, value)| field(name, text(value)));
        fields.push(field("metadata", Node::Map(metadata.collect())));
    }
    // Only `true` and `false` without quotes are booleans.
    let enabled = client.enabled.map(|enabled| field("enabled", bare(enabled)));
    fields.extend(enabled);
    rotate(&mut fields, dice);
    let value = if fields.is_empty() && dice.once_in(2) { Node::Null } else { Node::Map(fields) };
    entry(NAMES[client.name], value, owner)
}

fn long(key: &Key, client: Owner, dice: &mut Dice) -> Entry {
    let owner = Owner { key: Some(key.letter), ..client };
    let text = |name: &str, text: String| entry(name, Node::Text(text), owner);
    let time = |name: &str, at: u64| text(name, rfc_3339(at));
    let mut fields =
        vec![text("digest", digest(key.letter).to_text()), time("created", key.created)];
    fields.extend(key.label.map(|label| text("label", label.to_owned())));
    fields.extend(key.expires.map(|at| time("expires", at)));
    fields.extend(key.revoked.map(|at| time("revoked", at)));
    rotate(&mut fields, dice);
    entry("", Node::Map(fields), owner)
}

fn bare(value: bool) -> Node {
    Node::Text(value.to_string())
}

fn entry(name: &str, value: Node, owner: Owner) -> Entry {
    Entry { name: name.to_owned(), value, owner }
}

/// Puts another entry first.
fn rotate(entries: &mut [Entry], dice: &mut Dice) {
    if !entries.is_empty() {
        entries.rotate_left(dice.roll(entries.len()));
    }
}

/// An hour in RFC 3339.
fn rfc_3339(number: u64) -> String {
    Timestamp::try_from(hour(number)).unwrap().to_string()
}
