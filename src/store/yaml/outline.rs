//! The values of a key file with their places in its text.

use std::ops::Range;

use super::node::Text;

mod reading;

/// The values of a key file with their byte ranges. The values of the application are not parsed further.
pub(super) struct Outline<'a> {
    pub(super) text: &'a str,
    /// `None` if the file is empty or has only comments.
    pub(super) root: Option<Piece<'a>>,
    /// The end of the document: the offset of `...`, if present.
    pub(super) end: usize,
    /// The path to the section of keys in an application's own file.
    pub(super) section: Option<&'a [Box<str>]>,
}

/// A value and its byte range.
pub(super) struct Piece<'a> {
    pub(super) range: Range<usize>,
    pub(super) shape: Shape<'a>,
    /// Whether this is a mapping or list between brackets.
    pub(super) flow: bool,
}

pub(super) enum Shape<'a> {
    Text(Text<'a>),
    /// `null`, in any of its spellings.
    Null,
    Mapping(Vec<Entry<'a>>),
    List(Vec<Piece<'a>>),
    /// A value of the application.
    Other,
}

pub(super) struct Entry<'a> {
    pub(super) key: Piece<'a>,
    pub(super) value: Piece<'a>,
}

impl<'a> Outline<'a> {
    /// Returns the mapping with the fields of keygate: the whole file, or the section.
    pub(super) fn home(&self) -> Option<&Piece<'a>> {
        let path = self.section.unwrap_or_default().iter();
        path.fold(self.root.as_ref(), |piece, name| Some(&piece?.field(name)?.value))
    }

    /// Returns the field of keygate with this name.
    pub(super) fn field(&self, name: &str) -> Option<&Entry<'a>> {
        self.home()?.field(name)
    }

    /// Returns the fields of plaintext keys with this name. In an application's own file, there may be two.
    pub(super) fn key_fields(&self, name: &str) -> impl Iterator<Item = &Entry<'a>> {
        let top = self.section.and(self.root.as_ref()).and_then(|root| root.field(name));
        top.into_iter().chain(self.field(name))
    }

    /// Returns the texts of the entries that belong to the application.
    pub(super) fn others(&self) -> Vec<&'a str> {
        let (mut found, mut mappings) = (Vec::new(), self.root.iter().collect::<Vec<_>>());
        while let Some(mapping) = mappings.pop() {
            for entry in mapping.entries() {
                match entry.value.shape {
                    Shape::Other => found.push(&self.text[entry.range()]),
                    Shape::Mapping(_) => mappings.push(&entry.value),
                    Shape::Text(_) | Shape::Null | Shape::List(_) => {}
                }
            }
        }
        found
    }

    /// Returns the outermost mapping or list in flow style that contains this offset and has content.
    pub(super) fn flow_at(&self, offset: usize) -> Option<&Piece<'a>> {
        let around = std::iter::successors(self.root.as_ref(), |piece| piece.child_at(offset));
        let flow = { around }.find(|piece| piece.is_filled_flow(self.text))?;
        flow.range.contains(&offset).then_some(flow)
    }
}

impl<'a> Piece<'a> {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[Entry<'a>] {
        match &self.shape {
            Shape::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Piece<'a>] {
        match &self.shape {
            Shape::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&Entry<'a>> {
        self.entries().iter().find(|entry| entry.key.text() == Some(name))
    }

    /// Returns the last value of a mapping or list that begins before this offset, or whose key does.
    fn child_at(&self, offset: usize) -> Option<&Piece<'a>> {
        let begun = |start: usize| start <= offset;
        let entries = self.entries();
        let entries = &entries[..entries.partition_point(|entry| begun(entry.key.range.start))];
        let items = self.items();
        let items = &items[..items.partition_point(|item| begun(item.range.start))];
        entries.last().map(|entry| &entry.value).or(items.last())
    }

    /// Returns whether this is a mapping or list in flow style (between brackets) that is not empty, or contains a
    /// comment.
    pub(super) fn is_filled_flow(&self, text: &str) -> bool {
        self.flow && (!self.is_empty() || text[self.range.clone()].contains('#'))
    }

    /// Returns whether this is an empty mapping, an empty list or `null`.
    pub(super) fn is_empty(&self) -> bool {
        !matches!(self.shape, Shape::Text(_) | Shape::Other)
            && self.entries().is_empty()
            && self.items().is_empty()
    }
}

impl Entry<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.key.range.start..self.value.range.end
    }
}

/// Returns the line of a byte offset, counted from 1.
pub(super) fn line_number(text: &str, offset: usize) -> usize {
    text[..offset].split('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::yaml::layout::Layout;

    fn parts<'a>(piece: &Piece<'_>, text: &'a str, found: &mut Vec<&'a str>) {
        found.push(&text[piece.range.clone()]);
        for entry in piece.entries() {
            parts(&entry.key, text, found);
            parts(&entry.value, text, found);
        }
        for item in piece.items() {
            parts(item, text, found);
        }
    }

    #[test]
    fn outline_has_the_byte_range_of_every_value() {
        let text = "\u{feff}# é\r\nk1: 'v ''é'  # c\r\nk2:\r\n- {a: b , }\r\n-\r\n  x\r\n\r\n# z\r\nk3:\r\n...\r\n";
        let outline = Outline::of(text, &Layout::Own).unwrap();
        let mut found = Vec::new();
        let root = outline.root.unwrap();
        parts(&root, text, &mut found);
        let inner = "{a: b , }\r\n-\r\n  x";
        let all = &text[text.find("k1").unwrap()..text.find("k3:").unwrap() + 2];
        assert_eq!(
            found,
            [all, "k1", "'v ''é'", "k2", inner, "{a: b , }", "a", "b", "x", "k3", ""]
        );
        assert_eq!(&text[outline.end..], "...\r\n");
        assert!(matches!(root.field("k3").unwrap().value.shape, Shape::Null));
    }
}
