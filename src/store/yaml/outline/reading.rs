//! Reads the outline of a text. In an application's own file, keygate's part is read in full, and everything else as a
//! whole.

use std::ops::Range;

use granit_parser::{Event, Span};

use super::{Entry, Outline, Piece, Shape};
use crate::store::yaml::events::Events;
use crate::store::yaml::layout::{Layout, is_top_name};
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::{Text, is_null};

impl<'a> Outline<'a> {
    /// Reads a text that was loaded before, and is therefore a valid key file.
    pub(in crate::store::yaml) fn of(text: &'a str, layout: &'a Layout) -> Result<Self, LoadError> {
        let section = layout.section();
        let (mut events, part) = match section {
            None => (Events::new(text), Part::Own),
            Some(path) => (Events::of_app(text), Part::App { path, is_top: true }),
        };
        let mut outline = Self { text, root: None, end: text.len(), section };
        while let Some((event, span)) = events.next_value()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::StreamEnd => {}
                Event::DocumentEnd => {
                    let range = range(&span);
                    if !range.is_empty() {
                        outline.end = range.start;
                    }
                }
                event => outline.root = piece(&mut events, event, &span, part)?,
            }
        }
        Ok(outline)
    }
}

/// Whose a value is.
#[derive(Clone, Copy)]
enum Part<'p> {
    Own,
    /// A mapping of the application on the path to the section.
    App {
        path: &'p [Box<str>],
        is_top: bool,
    },
    /// Another value of the application. It may be nested deeply, and is not read further.
    Other,
}

impl Part<'_> {
    /// Returns the part of the value with this name; `None` for an item.
    fn inside(self, name: Option<&str>) -> Self {
        match (self, name) {
            (Self::Own, _) => Self::Own,
            (Self::App { path: [first, path @ ..], .. }, Some(name)) if **first == *name => {
                if path.is_empty() { Self::Own } else { Self::App { path, is_top: false } }
            }
            (Self::App { is_top: true, .. }, Some(name)) if is_top_name(name) => Self::Own,
            (Self::App { .. } | Self::Other, _) => Self::Other,
        }
    }
}

/// Reads the value that begins with this event; `None` if a mapping or list ends.
fn piece<'a>(
    events: &mut Events<'a>,
    event: Event<'a>,
    span: &Span,
    part: Part<'_>,
) -> Result<Option<Piece<'a>>, LoadError> {
    let mut range = range(span);
    let is_start = matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
    let flow = is_start && !range.is_empty();
    let shape = match event {
        Event::MappingEnd | Event::SequenceEnd => return Ok(None),
        _ if is_start && matches!(part, Part::Other) => {
            skip(events, &mut range)?;
            Shape::Other
        }
        Event::Scalar(text, style, ..) if is_null(&text, style) => Shape::Null,
        Event::Scalar(text, ..) => Shape::Text(Text::new(text)),
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            while let Some(key) = child(events, &mut range, part.inside(None))? {
                let part = part.inside(key.text());
                let mut value = child(events, &mut range, part)?.ok_or_else(unfinished)?;
                if matches!(part, Part::Other) {
                    value.shape = Shape::Other;
                }
                entries.push(Entry { key, value });
            }
            Shape::Mapping(entries)
        }
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while let Some(item) = child(events, &mut range, part.inside(None))? {
                items.push(item);
            }
            Shape::List(items)
        }
        // An alias of the application.
        _ => Shape::Other,
    };
    Ok(Some(Piece { range, shape, flow }))
}

/// Reads the next value inside a mapping or list, and extends the range of the latter.
fn child<'a>(
    events: &mut Events<'a>,
    around: &mut Range<usize>,
    part: Part<'_>,
) -> Result<Option<Piece<'a>>, LoadError> {
    let (event, span) = events.next_value()?.ok_or_else(unfinished)?;
    extend(around, &event, &span);
    let piece = piece(events, event, &span, part)?;
    if let Some(piece) = &piece {
        around.end = around.end.max(piece.range.end);
    }
    Ok(piece)
}

/// Skips the rest of a mapping or list, and extends its range.
fn skip(events: &mut Events<'_>, around: &mut Range<usize>) -> Result<(), LoadError> {
    let depth = events.depth();
    while events.depth() >= depth {
        let (event, span) = events.next_value()?.ok_or_else(unfinished)?;
        extend(around, &event, &span);
    }
    Ok(())
}

/// Extends the range of a mapping or list to the end of an event inside it. The end of one in block style is not written
/// in the text, and is reported where the next value begins.
fn extend(around: &mut Range<usize>, event: &Event<'_>, span: &Span) {
    let range = range(span);
    if !(range.is_empty() && matches!(event, Event::MappingEnd | Event::SequenceEnd)) {
        around.end = around.end.max(range.end);
    }
}

fn unfinished() -> LoadError {
    LoadErrorKind::Syntax("a value is missing".to_owned()).into()
}

fn range(span: &Span) -> Range<usize> {
    // The parser always knows byte offsets for a text in memory.
    span.byte_range().unwrap_or_default()
}
