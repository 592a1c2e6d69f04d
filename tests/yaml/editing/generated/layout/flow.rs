use std::fmt::Write as _;

use super::tree::{Entry, Node};
use super::{Owner, Pen};

impl Pen {
    /// Writes a value between brackets, on one line or on several with at least this indentation.
    pub(super) fn flow(&mut self, node: &Node, indent: usize, owner: Owner) -> String {
        let (entries, brackets) = match node {
            Node::Text(text) => return self.scalar(text, true),
            value if value.is_nothing() => return self.nothing(value).to_owned(),
            Node::Map(entries) => (entries, ["{", "}"]),
            Node::List(items) => (items, ["[", "]"]),
            Node::Null => unreachable!("it is nothing"),
        };
        let mut text = brackets[0].to_owned();
        let has_lines = self.dice.once_in(3);
        for (place, entry) in entries.iter().enumerate() {
            if has_lines {
                self.end_line(if place == 0 { owner } else { entries[place - 1].owner }, &mut text);
                for _ in 0..self.dice.roll(4) / 2 {
                    let comment = self.number(owner, true);
                    let _ = write!(text, "\n{:indent$}{comment}", "");
                }
                let _ = write!(text, "\n{:indent$}  ", "");
            } else if place > 0 {
                text.push_str(self.dice.pick(&[" ", " ", "", "  "]));
            }
            let is_map = matches!(node, Node::Map(_));
            text.push_str(&self.flow_entry(entry, is_map, indent + 2));
            if place + 1 < entries.len() || self.dice.once_in(4) {
                text.push_str(self.dice.pick(&[",", ",", " ,"]));
            }
        }
        if has_lines {
            let last = entries.last().map_or(owner, |last| last.owner);
            self.end_line(last, &mut text);
            let _ = write!(text, "\n{:indent$}", "");
        }
        text.push_str(brackets[1]);
        text
    }

    fn end_line(&mut self, owner: Owner, text: &mut String) {
        text.push_str(&self.comment(owner));
    }

    fn flow_entry(&mut self, entry: &Entry, is_map: bool, indent: usize) -> String {
        let value = self.flow(&entry.value, indent, entry.owner);
        if !is_map {
            return value;
        }
        let name = self.scalar(&entry.name, true);
        match &*value {
            "" if self.dice.once_in(2) => name,
            "" => format!("{name}: "),
            value if self.dice.once_in(15) => format!("? {name} : {value}"),
            value => format!("{name}: {value}"),
        }
    }
}
