use std::ops::Range;

use granit_parser::{Event, Span};

use crate::store::yaml::events::Events;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::{Text, is_null};

/// The values of a key file with their byte ranges.
pub(in crate::store::yaml) struct Outline<'a> {
    pub(super) text: &'a str,
    /// `None` if the file is empty or has only comments.
    pub(super) root: Option<Piece<'a>>,
    /// The end of the document: the offset of `...`, if present.
    pub(super) end: usize,
}

/// A value and its byte range.
pub(super) struct Piece<'a> {
    pub(super) range: Range<usize>,
    pub(super) shape: Shape<'a>,
}

pub(super) enum Shape<'a> {
    Text(Text<'a>),
    /// `null`, in any of its spellings.
    Null,
    Mapping {
        flow: bool,
        entries: Vec<Entry<'a>>,
    },
    List {
        flow: bool,
        items: Vec<Piece<'a>>,
    },
}

pub(super) struct Entry<'a> {
    pub(super) key: Piece<'a>,
    pub(super) value: Piece<'a>,
}

impl<'a> Outline<'a> {
    /// Reads a text that was loaded before and therefore is a valid key file.
    pub(in crate::store::yaml) fn of(text: &'a str) -> Result<Self, LoadError> {
        let mut events = Events::new(text);
        let mut outline = Self { text, root: None, end: text.len() };
        while let Some((event, span)) = events.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::StreamEnd => {}
                Event::DocumentEnd => {
                    let range = range(&span);
                    if !range.is_empty() {
                        outline.end = range.start;
                    }
                }
                event => outline.root = piece(&mut events, event, &span)?,
            }
        }
        Ok(outline)
    }

    /// Returns the entry of the root with this name.
    pub(super) fn field(&self, name: &str) -> Option<&Entry<'a>> {
        self.root.as_ref()?.field(name)
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

    pub(super) fn is_text(&self, test: impl FnOnce(&str) -> bool) -> bool {
        self.text().is_some_and(test)
    }

    pub(super) fn entries(&self) -> &[Entry<'a>] {
        match &self.shape {
            Shape::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Piece<'a>] {
        match &self.shape {
            Shape::List { items, .. } => items,
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
        let flow = matches!(
            self.shape,
            Shape::Mapping { flow: true, .. } | Shape::List { flow: true, .. }
        );
        flow && (!self.is_empty() || text[self.range.clone()].contains('#'))
    }

    /// Returns whether this is an empty mapping, an empty list or `null`.
    pub(super) fn is_empty(&self) -> bool {
        self.text().is_none() && self.entries().is_empty() && self.items().is_empty()
    }
}

impl Entry<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.key.range.start..self.value.range.end
    }
}

/// Reads the value that begins with this event; `None` if a mapping or list ends.
fn piece<'a>(
    events: &mut Events<'a>,
    event: Event<'a>,
    span: &Span,
) -> Result<Option<Piece<'a>>, LoadError> {
    let mut range = range(span);
    let flow = !range.is_empty();
    let shape = match event {
        Event::Scalar(text, style, ..) if is_null(&text, style) => Shape::Null,
        Event::Scalar(text, ..) => Shape::Text(Text::new(text)),
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            while let Some(key) = child(events, &mut range, flow)? {
                let value = child(events, &mut range, flow)?;
                entries.push(Entry { key, value: value.ok_or_else(unfinished)? });
            }
            Shape::Mapping { flow, entries }
        }
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while let Some(item) = child(events, &mut range, flow)? {
                items.push(item);
            }
            Shape::List { flow, items }
        }
        _ => return Ok(None),
    };
    Ok(Some(Piece { range, shape }))
}

/// Reads the next value inside a mapping or list, and extends its range. In block style, the range ends with the last
/// value.
fn child<'a>(
    events: &mut Events<'a>,
    around: &mut Range<usize>,
    flow: bool,
) -> Result<Option<Piece<'a>>, LoadError> {
    let (event, span) = events.next()?.ok_or_else(unfinished)?;
    let end = range(&span).end;
    let piece = piece(events, event, &span)?;
    match &piece {
        Some(piece) => around.end = around.end.max(piece.range.end),
        None if flow => around.end = end,
        None => {}
    }
    Ok(piece)
}

/// Returns the line of a byte offset, counted from 1.
pub(super) fn line_number(text: &str, offset: usize) -> usize {
    text[..offset].split('\n').count()
}

fn unfinished() -> LoadError {
    LoadErrorKind::Syntax("a value is missing".to_owned()).into()
}

fn range(span: &Span) -> Range<usize> {
    // The parser always has byte offsets for a text in memory.
    span.byte_range().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let outline = Outline::of(text).unwrap();
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
