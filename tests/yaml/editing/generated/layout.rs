//! Writes content as one of the many texts that express it.

mod flow;
mod part;
mod scalar;
mod tree;

use std::collections::BTreeSet;

pub(super) use self::part::Part;
use self::tree::{Entry, Node, root};
use super::content::Content;
use super::dice::Dice;

/// The client or key that a line or comment belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owner {
    /// In `NAMES`.
    pub(super) client: Option<usize>,
    pub(super) key: Option<char>,
    /// The key, if it is in plaintext.
    pub(super) short: Option<char>,
    /// Whether only changes of the client or key may change the line.
    pub(super) is_sure: bool,
}

pub(super) type Lines = Vec<(Owner, String)>;
/// The comments; the second value is whether the comment has its own line.
pub(super) type Comments = Vec<(Owner, bool, String)>;

pub(super) struct Page {
    text: String,
    lines: Lines,
    comments: Comments,
    flow: BTreeSet<Part>,
    is_unusual: bool,
}

impl Page {
    pub(super) fn new(content: &Content, dice: Dice) -> Self {
        let mut pen = Pen {
            dice,
            lines: Vec::new(),
            comments: Vec::new(),
            flow: BTreeSet::new(),
            is_unusual: false,
        };
        let root = root(content, &mut pen.dice);
        pen.document(&root);
        let eol = if pen.dice.once_in(4) { "\r\n" } else { "\n" };
        let mark = if pen.dice.once_in(6) { "\u{feff}" } else { "" };
        let lines = pen.lines.iter().map(|(_, line)| line.replace('\n', eol));
        let mut text = format!("{mark}{}", lines.collect::<Vec<_>>().join(eol));
        if !pen.dice.once_in(4) && !pen.lines.is_empty() {
            text.push_str(eol);
        }
        let Pen { lines, comments, flow, is_unusual, .. } = pen;
        Self { text, lines, comments, flow, is_unusual }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The outermost parts in flow style that are not empty.
    pub(super) fn flow(&self) -> &BTreeSet<Part> {
        &self.flow
    }

    /// Whether it has keys with `?`, or dashes on separate lines: edits of these may be refused.
    pub(super) fn is_unusual(&self) -> bool {
        self.is_unusual
    }

    pub(super) fn parts(&self) -> (Lines, Comments) {
        let split = |(owner, line): &(Owner, String)| {
            line.split('\n').map(|line| (*owner, line.to_owned())).collect::<Vec<_>>()
        };
        (self.lines.iter().flat_map(split).collect(), self.comments.clone())
    }
}

const FILE: Owner = Owner { client: None, key: None, short: None, is_sure: true };

struct Pen {
    dice: Dice,
    lines: Lines,
    comments: Comments,
    flow: BTreeSet<Part>,
    is_unusual: bool,
}

impl Pen {
    fn document(&mut self, root: &Node) {
        self.gap(FILE, 0);
        if self.dice.once_in(5) {
            let line = format!("---{}", self.comment(FILE));
            self.put(FILE, line);
        }
        match root {
            Node::Map(entries) if entries.is_empty() => {
                let nothing = self.dice.pick(&["", "~", "{}", "null"]);
                if !nothing.is_empty() {
                    let line = format!("{nothing}{}", self.comment(FILE));
                    self.put(Owner { is_sure: false, ..FILE }, line);
                }
            }
            root if self.dice.once_in(12) => {
                self.flow.insert(Part::Document);
                let line = self.flow(root, 0, FILE);
                let line = format!("{line}{}", self.comment(FILE));
                self.put(Owner { is_sure: false, ..FILE }, line);
            }
            Node::Map(entries) => self.map(entries, 0, FILE),
            _ => unreachable!("a file is a mapping"),
        }
        self.gap(FILE, 0);
        if self.dice.once_in(8) {
            self.put(FILE, "...".to_owned());
            self.gap(FILE, 0);
        }
    }

    fn put(&mut self, owner: Owner, line: String) {
        self.lines.push((owner, line));
    }

    /// The text of a unique comment.
    fn number(&mut self, owner: Owner, own_line: bool) -> String {
        let text = format!("# n{}: \"[{{'- n", self.comments.len());
        self.comments.push((owner, own_line, text.clone()));
        text
    }

    /// A comment at the end of a line, or nothing.
    fn comment(&mut self, owner: Owner) -> String {
        if !self.dice.once_in(3) {
            return if self.dice.once_in(9) { " \t".to_owned() } else { String::new() };
        }
        let blanks = self.dice.pick(&[" ", "   ", "\t"]);
        format!("{blanks}{}", self.number(owner, false))
    }

    /// Blank lines and comments before an entry at this column. A deeper comment belongs to the line before it: new fields
    /// of that entry go after the comment.
    fn gap(&mut self, owner: Owner, column: usize) {
        for _ in 0..[0, 0, 0, 1, 2][self.dice.roll(5)] {
            let blanks = self.dice.roll(9);
            let indent = " ".repeat(blanks);
            match self.dice.roll(3) {
                0 => self.put(owner, String::new()),
                1 => self.put(owner, indent),
                _ => {
                    let above = self.lines.last().filter(|_| blanks > column);
                    let owner = above.map_or(owner, |(owner, _)| *owner);
                    let comment = self.number(owner, true);
                    self.put(owner, format!("{indent}{comment}"));
                }
            }
        }
    }

    fn map(&mut self, entries: &[Entry], indent: usize, owner: Owner) {
        for entry in entries {
            self.gap(owner, indent);
            self.entry(entry, " ".repeat(indent), indent);
        }
    }

    fn entry(&mut self, entry: &Entry, prefix: String, indent: usize) {
        let owner = entry.owner;
        let name = self.scalar(&entry.name, false);
        let blank = self.dice.pick(&[" ", " ", "  ", "\t"]);
        let mut line = prefix;
        let is_explicit =
            line.trim().is_empty() && !entry.value.is_nothing() && self.dice.once_in(12);
        if is_explicit {
            self.is_unusual = true;
            let comment = self.comment(owner);
            self.put(owner, format!("{line}? {name}{comment}"));
        } else {
            line.push_str(&name);
        }
        line.push(':');
        match &entry.value {
            Node::Text(text) if self.dice.once_in(12) => {
                let (behind_colon, behind_text) = (self.comment(owner), self.comment(owner));
                let text = self.scalar(text, false);
                self.put(owner, format!("{line}{behind_colon}"));
                self.put(owner, format!("{:indent$}   {text}{behind_text}", ""));
            }
            Node::Text(text) => {
                let text = self.scalar(text, false);
                let comment = self.comment(owner);
                self.put(owner, format!("{line}{blank}{text}{comment}"));
            }
            value if value.is_nothing() => {
                let nothing = self.nothing(value);
                let comment = self.comment(owner);
                let blank = if nothing.is_empty() { "" } else { blank };
                self.put(
                    Owner { is_sure: false, ..owner },
                    format!("{line}{blank}{nothing}{comment}"),
                );
            }
            value if self.dice.once_in(9) => {
                self.flow.extend(Part::of(entry));
                let comments = self.comments.len();
                let text = self.flow(value, indent + 2, owner);
                let client = owner.client.filter(|_| self.comments.len() > comments);
                self.flow.extend(client.map(Part::Commented));
                let comment = self.comment(owner);
                let owner = Owner { is_sure: false, ..owner };
                self.put(owner, format!("{line}{blank}{text}{comment}"));
            }
            Node::Map(entries) => {
                let comment = self.comment(owner);
                self.put(owner, format!("{line}{comment}"));
                let indent = indent + 1 + self.dice.roll(4);
                self.map(entries, indent, Owner { is_sure: true, ..owner });
            }
            Node::List(items) => {
                let comment = self.comment(owner);
                self.put(owner, format!("{line}{comment}"));
                let more = usize::from(is_explicit);
                let indent = indent + more + self.dice.roll(4);
                self.list(items, indent, Owner { is_sure: true, ..owner });
            }
            Node::Null => unreachable!("it is nothing"),
        }
    }

    fn list(&mut self, items: &[Entry], indent: usize, owner: Owner) {
        for item in items {
            self.gap(owner, indent);
            let dash = format!("{:indent$}-", "");
            match &item.value {
                Node::Map(entries) if !self.dice.once_in(9) => {
                    let blanks = 1 + self.dice.roll(3);
                    let inner = indent + 1 + blanks;
                    if self.dice.once_in(5) {
                        self.is_unusual = true;
                        let comment = self.comment(item.owner);
                        self.put(item.owner, format!("{dash}{comment}"));
                        self.map(entries, inner, item.owner);
                    } else {
                        self.entry(&entries[0], format!("{dash}{}", " ".repeat(blanks)), inner);
                        self.map(&entries[1..], inner, item.owner);
                    }
                }
                Node::Text(text) => {
                    let text = self.scalar(text, false);
                    let comment = self.comment(item.owner);
                    self.put(item.owner, format!("{dash} {text}{comment}"));
                }
                value => {
                    self.flow.extend(Part::of(item));
                    let text = self.flow(value, indent + 2, item.owner);
                    let comment = self.comment(item.owner);
                    self.put(
                        Owner { is_sure: false, ..item.owner },
                        format!("{dash} {text}{comment}"),
                    );
                }
            }
        }
    }

    fn nothing(&mut self, value: &Node) -> &'static str {
        match value {
            Node::List(_) => self.dice.pick(&["", "[]", "~", "null", "[ ]"]),
            _ => self.dice.pick(&["", "{}", "~", "null", "{ }"]),
        }
    }
}
