use std::ops::Range;

use granit_parser::{Event, ScalarStyle, Span};

use crate::store::yaml::events::{Events, Text, is_null};
use crate::store::yaml::fault::{Fault, FaultKind};

/// Where each part of a key file stands, in bytes.
pub(in crate::store::yaml) struct Outline<'a> {
    pub(super) text: &'a str,
    /// None where the file holds nothing, or comments alone.
    pub(super) root: Option<Piece<'a>>,
    /// Where the document ends: at the `...` if there is one.
    pub(super) end: usize,
}

/// A value, from its first character to behind its last.
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
    /// Reads a text that has been loaded before, so that it holds nothing that a key file may not.
    pub(in crate::store::yaml) fn of(text: &'a str) -> Result<Self, Fault> {
        let mut reader = Reader { events: Events::new(text), text };
        let mut outline = Self { text, root: None, end: text.len() };
        while let Some((event, span)) = reader.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::StreamEnd => {}
                Event::DocumentEnd => {
                    let range = range(&span);
                    if !range.is_empty() {
                        outline.end = range.start;
                    }
                }
                event => outline.root = reader.piece(event, &span)?,
            }
        }
        Ok(outline)
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

    /// Whether it is in flow style (between brackets, as in JSON) and holds something, if only a comment.
    pub(super) fn is_filled_flow(&self, text: &str) -> bool {
        let flow = matches!(
            self.shape,
            Shape::Mapping { flow: true, .. } | Shape::List { flow: true, .. }
        );
        flow && (!self.is_empty() || text[self.range.clone()].contains('#'))
    }

    /// Whether there is nothing in it that a line below could not take the place of.
    pub(super) fn is_empty(&self) -> bool {
        match &self.shape {
            Shape::Null => true,
            Shape::Text(_) => false,
            Shape::Mapping { entries, .. } => entries.is_empty(),
            Shape::List { items, .. } => items.is_empty(),
        }
    }
}

struct Reader<'a> {
    events: Events<'a>,
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Fault> {
        self.events.next()
    }

    /// The value that begins with this event; none where a mapping or list ends.
    fn piece(&mut self, event: Event<'a>, span: &Span) -> Result<Option<Piece<'a>>, Fault> {
        let mut range = range(span);
        let shape = match event {
            Event::Scalar(text, style, ..) => {
                if range.is_empty() && style == ScalarStyle::Plain {
                    range = self.nothing(range.end);
                }
                if is_null(&text, style) { Shape::Null } else { Shape::Text(Text::new(text)) }
            }
            Event::MappingStart(..) => {
                let flow = !range.is_empty();
                let mut entries = Vec::new();
                while let Some(key) = self.child(&mut range, flow)? {
                    let value = self.child(&mut range, flow)?;
                    entries.push(Entry { key, value: value.ok_or_else(unfinished)? });
                }
                Shape::Mapping { flow, entries }
            }
            Event::SequenceStart(..) => {
                let flow = !range.is_empty();
                let mut items = Vec::new();
                while let Some(item) = self.child(&mut range, flow)? {
                    items.push(item);
                }
                if let (false, Some(first)) = (flow, items.first()) {
                    range.start = self.dash_before(first.range.start);
                }
                Shape::List { flow, items }
            }
            _ => return Ok(None),
        };
        Ok(Some(Piece { range, shape }))
    }

    /// Where something may come to stand in the place of nothing: behind the colon, if there is one.
    fn nothing(&self, place: usize) -> Range<usize> {
        let place = place + usize::from(self.text[place..].starts_with(':'));
        place..place
    }

    /// The dash of the item that begins here, perhaps with blanks and comments between them. The parser
    /// begins some lists at their first dash, and others behind it.
    fn dash_before(&self, place: usize) -> usize {
        let mut end = place;
        loop {
            let start = self.text[..end].rfind('\n').map_or(0, |place| place + 1);
            let line = self.text[start..end].trim_start_matches([' ', '\u{feff}']);
            if line.starts_with('-')
                && (line[1..].is_empty() || line[1..].starts_with([' ', '\t', '\r']))
            {
                return end - line.len();
            }
            match start.checked_sub(1) {
                // On the line of its name, as in `? keys` and `: - digest`.
                _ if end == place && !line.trim().is_empty() => {
                    return self.text[..place].trim_end().len().saturating_sub(1);
                }
                Some(before) => end = before,
                None => return place,
            }
        }
    }

    /// The next value inside of one, whose range grows with it: those without brackets end where
    /// their last value does.
    fn child(&mut self, around: &mut Range<usize>, flow: bool) -> Result<Option<Piece<'a>>, Fault> {
        let (event, span) = self.next()?.ok_or_else(unfinished)?;
        let end = range(&span).end;
        let piece = self.piece(event, &span)?;
        match &piece {
            Some(piece) => around.end = around.end.max(piece.range.end),
            None if flow => around.end = end,
            None => {}
        }
        Ok(piece)
    }
}

fn unfinished() -> Fault {
    FaultKind::Syntax("a value is missing".to_owned()).into()
}

fn range(span: &Span) -> Range<usize> {
    // The parser reads from a text in memory, of which it tells every byte.
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
    fn every_value_is_where_the_outline_says() {
        let text = "\u{feff}# é\r\nk1: 'v ''é'  # c\r\nk2:\r\n- {a: b , }\r\n-\r\n  x\r\n\r\n# z\r\nk3:\r\n...\r\n";
        let outline = Outline::of(text).unwrap();
        let mut found = Vec::new();
        let root = outline.root.unwrap();
        parts(&root, text, &mut found);
        let inner = "- {a: b , }\r\n-\r\n  x";
        let all = &text[text.find("k1").unwrap()..text.find("k3:").unwrap() + 3];
        assert_eq!(
            found,
            [all, "k1", "'v ''é'", "k2", inner, "{a: b , }", "a", "b", "x", "k3", ""]
        );
        assert_eq!(&text[outline.end..], "...\r\n");
        assert!(matches!(root.field("k3").unwrap().value.shape, Shape::Null));
    }
}
