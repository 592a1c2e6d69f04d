use std::borrow::Cow;
use std::ops::Deref;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput};
use zeroize::Zeroize as _;

use super::fault::{Fault, FaultKind, Position};
use super::syntax;
use crate::key::MAX_KEY_BYTES;

/// Deeper than any key file needs, and shallow enough to stop a file made to exhaust the parser.
const MAX_DEPTH: usize = 32;

/// The events of one document; constructs that a key file must not hold are errors.
pub(super) struct Events<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    /// How many mappings and lists are open.
    depth: usize,
}

/// The beginning of a value.
pub(super) struct Node<'a> {
    pub(super) place: Position,
    kind: NodeKind<'a>,
}

enum NodeKind<'a> {
    /// And where its second line begins, if it has one.
    Scalar(Text<'a>, ScalarStyle, Option<Position>),
    /// `null`, or nothing where a value could stand.
    Null {
        is_written: bool,
    },
    Mapping,
    Sequence,
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut options = Options::default();
        options.flow_nesting_limit = MAX_DEPTH;
        options.block_nesting_limit = MAX_DEPTH;
        options.disallow_directives = true;
        options.emit_unresolved_aliases = true;
        options.emit_anchor_events = true;
        // So that a key that is too long is told as such.
        options.simple_key_max_lookahead = 8 * MAX_KEY_BYTES;
        options.set_emit_comments(false);
        Self { parser: Parser::new_from_str_with_options(text, options), text, depth: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Fault> {
        let next = self.parser.next().transpose();
        let next = next.map_err(|error| syntax::fault(self.text, &error))?;
        match next {
            Some((Event::MappingStart(..) | Event::SequenceStart(..), _)) => self.depth += 1,
            Some((Event::MappingEnd | Event::SequenceEnd, _)) => self.depth -= 1,
            _ => {}
        }
        Ok(next)
    }

    /// How many mappings and lists were open before this value, which has just begun.
    pub(super) fn depth_before(&self, value: &Node<'_>) -> usize {
        self.depth - usize::from(value.is_mapping() || value.is_sequence())
    }

    /// Skips what is left of the values that began at this depth.
    pub(super) fn leave(&mut self, depth: usize) -> Result<(), Fault> {
        while self.depth > depth && self.next()?.is_some() {}
        Ok(())
    }

    /// The value that the whole file is, unless the file is empty.
    pub(super) fn root(&mut self) -> Result<Option<Node<'a>>, Fault> {
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd => return Ok(None),
                event => {
                    return match self.begin(event, span)? {
                        Some(root) if root.is_null() => self.end().map(|()| None),
                        root => Ok(root),
                    };
                }
            }
        }
        Ok(None)
    }

    /// Nothing may follow the one document.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        while let Some((event, span)) = self.next()? {
            if !matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                return Err(FaultKind::SecondDocument.at(begin_of(&span)));
            }
        }
        Ok(())
    }

    /// The next key of the mapping that is being read and its value, or its end.
    pub(super) fn pair(
        &mut self,
        expected: &'static str,
        way_out: &'static str,
    ) -> Result<Option<(Node<'a>, Node<'a>)>, Fault> {
        match self.entry()? {
            Some(key) if key.is_mapping() || key.is_sequence() => {
                Err(key.wrong_type(expected, way_out))
            }
            Some(key) => Ok(Some((key, self.node()?))),
            None => Ok(None),
        }
    }

    /// The next value of the list that is being read, or its end.
    pub(super) fn entry(&mut self) -> Result<Option<Node<'a>>, Fault> {
        match self.next()? {
            Some((event, span)) => self.begin(event, span),
            None => Ok(None),
        }
    }

    /// The value behind a key.
    fn node(&mut self) -> Result<Node<'a>, Fault> {
        // The parser gives every key a value, if only one that is not there.
        self.entry()?.ok_or_else(|| FaultKind::Syntax("a value is missing".to_owned()).into())
    }

    /// What begins with this event; nothing where a mapping or sequence ends.
    fn begin(&mut self, event: Event<'a>, span: Span) -> Result<Option<Node<'a>>, Fault> {
        let place = begin_of(&span);
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_written = !span.is_empty();
                let kind = if is_null(&text, style) {
                    NodeKind::Null { is_written }
                } else {
                    NodeKind::Scalar(Text(text), style, self.second_line(&span))
                };
                (kind, anchor, tag.is_some())
            }
            Event::MappingStart(_, anchor, tag) => (NodeKind::Mapping, anchor, tag.is_some()),
            Event::SequenceStart(_, anchor, tag) => (NodeKind::Sequence, anchor, tag.is_some()),
            Event::MappingEnd | Event::SequenceEnd => return Ok(None),
            // Aliases, and whatever else the parser may come to tell apart.
            _ => return Err(FaultKind::Anchor.at(place)),
        };
        if anchor != 0 {
            // The parser tells the place of an anchor behind the value that has it.
            let anchor = self.next()?.map_or(place, |(_, anchor)| begin_of(&anchor));
            return Err(FaultKind::Anchor.at(anchor));
        }
        if tag {
            let tag = span.tag_span().map_or(place, |tag| begin_of(&tag));
            return Err(FaultKind::Tag.at(tag));
        }
        Ok(Some(Node { place, kind }))
    }

    /// Where the second line of a text begins that runs over several.
    fn second_line(&self, span: &Span) -> Option<Position> {
        if span.start.line() == span.end.line() {
            return None;
        }
        let text = self.text.get(span.byte_range()?)?;
        let (first, others) = text.split_at(text.find(['\n', '\r'])?);
        let blank = others.len() - others.trim_start().len();
        Some(begin_of(span).behind(first).behind(&others[..blank]))
    }
}

impl<'a> Node<'a> {
    fn found(&self) -> &'static str {
        match self.kind {
            NodeKind::Scalar(..) => "a text",
            NodeKind::Null { is_written: true } => "null",
            NodeKind::Null { is_written: false } => "nothing",
            NodeKind::Mapping => "a mapping",
            NodeKind::Sequence => "a list",
        }
    }

    pub(super) fn wrong_type(&self, expected: &'static str, way_out: &'static str) -> Fault {
        // Lines of one indentation are no accident, but a file of another kind.
        if let NodeKind::Scalar(_, ScalarStyle::Plain, Some(second)) = self.kind
            && second.column != self.place.column
        {
            return FaultKind::SecondLine { first: self.place.line }.at(second);
        }
        FaultKind::WrongType { expected, found: self.found(), way_out }.at(self.place)
    }

    /// The text exactly as it stands, on one line, whatever a YAML schema would make of it.
    pub(super) fn text(
        self,
        expected: &'static str,
        way_out: &'static str,
    ) -> Result<Text<'a>, Fault> {
        match self.kind {
            NodeKind::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, _) => {
                Err(FaultKind::BlockScalar.at(self.place))
            }
            NodeKind::Scalar(_, style, Some(second)) => {
                let first = self.place.line;
                let kind = match style {
                    ScalarStyle::Plain => FaultKind::SecondLine { first },
                    _ => FaultKind::SecondQuotedLine { first },
                };
                Err(kind.at(second))
            }
            NodeKind::Scalar(text, ..) => Ok(text),
            NodeKind::Null { is_written: true } => {
                Err(FaultKind::Null { expected, way_out }.at(self.place))
            }
            _ => Err(self.wrong_type(expected, way_out)),
        }
    }

    pub(super) fn mapping(
        &self,
        expected: &'static str,
        way_out: &'static str,
    ) -> Result<(), Fault> {
        if self.is_mapping() { Ok(()) } else { Err(self.wrong_type(expected, way_out)) }
    }

    pub(super) fn sequence(
        &self,
        expected: &'static str,
        way_out: &'static str,
    ) -> Result<(), Fault> {
        if self.is_sequence() { Ok(()) } else { Err(self.wrong_type(expected, way_out)) }
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.kind, NodeKind::Mapping)
    }

    pub(super) fn is_sequence(&self) -> bool {
        matches!(self.kind, NodeKind::Sequence)
    }

    pub(super) fn is_longer_than(&self, bytes: usize) -> bool {
        matches!(&self.kind, NodeKind::Scalar(text, ..) if text.len() > bytes)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null { .. })
    }

    /// `true` and `false` as in the core schema of YAML 1.2 (section 10.3.2).
    pub(super) fn boolean(self) -> Result<bool, Fault> {
        match &self.kind {
            NodeKind::Scalar(text, ScalarStyle::Plain, _) => match &*text.0 {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
        .ok_or_else(|| {
            self.wrong_type("`true` or `false`", "write one of these two, without quotes")
        })
    }
}

/// A text of the file, overwritten when it is given up if it is a copy.
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn new(text: Cow<'a, str>) -> Self {
        Self(text)
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

/// Whether a scalar is `null` in the core schema of YAML 1.2 (section 10.3.2).
pub(super) fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn begin_of(span: &Span) -> Position {
    syntax::place(&span.start)
}
