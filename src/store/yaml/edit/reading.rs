//! Reads the outline of a text. In an application's own file, keygate's part is read in full, and everything else as a
//! whole.

use std::ops::Range;

use granit_parser::{Event, Span};

use super::outline::{Entry, Outline, Piece, Shape};
use crate::store::yaml::events::Events;
use crate::store::yaml::layout::{Layout, is_top_name};
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::{Text, is_null};

impl<'a> Outline<'a> {
    /// Reads a text that was loaded before, and is therefore a valid key file.
    pub(in crate::store::yaml) fn of(text: &'a str, layout: &'a Layout) -> Result<Self, LoadError> {
        let section = layout.section();
        let mut events = if section.is_some() { Events::of_app(text) } else { Events::new(text) };
        let mut outline = Self { text, root: None, end: text.len(), section };
        while let Some((event, span)) = events.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::StreamEnd => {}
                Event::DocumentEnd => {
                    let range = range(&span);
                    if !range.is_empty() {
                        outline.end = range.start;
                    }
                }
                event => {
                    outline.root = match section {
                        None => piece(&mut events, event, &span)?,
                        Some(section) => Some(app_piece(&mut events, event, &span, section, true)?),
                    };
                }
            }
        }
        Ok(outline)
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

/// Reads the next value inside a mapping or list, and extends the range of the latter. In block style, the range ends
/// with the last value.
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

/// Reads a mapping of the application on the path to the section.
fn app_piece<'a>(
    events: &mut Events<'a>,
    event: Event<'a>,
    span: &Span,
    section: &[Box<str>],
    is_top: bool,
) -> Result<Piece<'a>, LoadError> {
    let is_null = matches!(&event, Event::Scalar(text, style, ..) if is_null(text, *style));
    let (Event::MappingStart(..), Some((name, inner))) = (&event, section.split_first()) else {
        return if is_null { required(events, event, span) } else { other(events, &event, span) };
    };
    let mut around = range(span);
    let flow = !around.is_empty();
    let mut entries = Vec::new();
    loop {
        let (event, span) = events.next_value()?.ok_or_else(unfinished)?;
        let ours = match &event {
            Event::MappingEnd => {
                around.end = if flow { range(&span).end } else { around.end };
                return Ok(Piece { range: around, shape: Shape::Mapping { flow, entries } });
            }
            Event::Scalar(text, ..) if **text == **name => Some(inner),
            Event::Scalar(text, ..) if is_top && is_top_name(text) => Some(&[][..]),
            _ => None,
        };
        let key = match ours {
            Some(_) => required(events, event, &span)?,
            None => other(events, &event, &span)?,
        };
        let (event, span) = events.next_value()?.ok_or_else(unfinished)?;
        let value = match ours {
            Some([]) => required(events, event, &span)?,
            Some(inner) => app_piece(events, event, &span, inner, false)?,
            None => other(events, &event, &span)?,
        };
        around.end = around.end.max(value.range.end);
        entries.push(Entry { key, value });
    }
}

/// Skips a value of the application.
fn other<'a>(
    events: &mut Events<'a>,
    event: &Event<'a>,
    span: &Span,
) -> Result<Piece<'a>, LoadError> {
    let mut around = range(span);
    let is_start =
        |event: &Event<'_>| matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
    // Whether each open mapping or list is in flow style, whose end is written in the text.
    let mut open = Vec::new();
    open.extend(is_start(event).then_some(!around.is_empty()));
    while !open.is_empty() {
        let (event, span) = events.next_value()?.ok_or_else(unfinished)?;
        let range = range(&span);
        let is_written = match event {
            Event::MappingEnd | Event::SequenceEnd => open.pop().unwrap_or_default(),
            _ => true,
        };
        if is_start(&event) {
            open.push(!range.is_empty());
        }
        if is_written {
            around.end = around.end.max(range.end);
        }
    }
    Ok(Piece { range: around, shape: Shape::Other })
}

fn required<'a>(
    events: &mut Events<'a>,
    event: Event<'a>,
    span: &Span,
) -> Result<Piece<'a>, LoadError> {
    piece(events, event, span)?.ok_or_else(unfinished)
}

fn unfinished() -> LoadError {
    LoadErrorKind::Syntax("a value is missing".to_owned()).into()
}

fn range(span: &Span) -> Range<usize> {
    // The parser always knows byte offsets for a text in memory.
    span.byte_range().unwrap_or_default()
}
