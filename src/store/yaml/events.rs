use granit_parser::{Event, Options, Parser, Span, StrInput};

use super::load_error::{LoadError, LoadErrorKind};
use super::node::{Node, NodeKind, Text, is_null};
use super::position::Position;
use super::syntax;
use crate::key::MAX_KEY_BYTES;

mod app;

pub(super) use app::AppEntry;

/// Deeper than any key file needs, and shallow enough that no file can exhaust the parser.
pub(super) const MAX_DEPTH: usize = 32;

/// The values of one document, in the order of the text. YAML features that a key file must not use are errors.
pub(super) struct Events<'a> {
    source: Source<'a>,
    text: &'a str,
    /// The number of open mappings and lists.
    depth: usize,
}

enum Source<'a> {
    Text(Box<Parser<'a, StrInput<'a>>>),
    /// Values that serde has read; `None` ends a mapping or list.
    #[cfg(feature = "serde")]
    Recorded(std::vec::IntoIter<Option<Node<'static>>>),
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self::with_options(text, Self::options(MAX_DEPTH))
    }

    fn options(max_depth: usize) -> Options {
        let mut options = Options::default();
        options.flow_nesting_limit = max_depth;
        options.block_nesting_limit = max_depth;
        options.disallow_directives = true;
        options.emit_unresolved_aliases = true;
        options.emit_anchor_events = true;
        // This way, a key that is too long is reported as too long.
        options.simple_key_max_lookahead = 8 * MAX_KEY_BYTES;
        options.set_emit_comments(false);
        options
    }

    fn with_options(text: &'a str, options: Options) -> Self {
        let parser = Box::new(Parser::new_from_str_with_options(text, options));
        Self { source: Source::Text(parser), text, depth: 0 }
    }

    #[cfg(feature = "serde")]
    pub(super) fn recorded(nodes: Vec<Option<Node<'static>>>) -> Self {
        let source = Source::Recorded(nodes.into_iter());
        Self { source, text: "", depth: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, LoadError> {
        let next = match &mut self.source {
            Source::Text(parser) => parser.next().transpose(),
            #[cfg(feature = "serde")]
            Source::Recorded(_) => Ok(None),
        };
        let next = next.map_err(|error| syntax::load_error(self.text, &error))?;
        match next {
            Some((Event::MappingStart(..) | Event::SequenceStart(..), _)) => self.depth += 1,
            Some((Event::MappingEnd | Event::SequenceEnd, _)) => self.depth -= 1,
            _ => {}
        }
        Ok(next)
    }

    /// The number of mappings and lists that were open before this value, which has just begun.
    pub(super) fn depth_before(&self, value: &Node<'_>) -> usize {
        self.depth - usize::from(value.is_mapping() || value.is_sequence())
    }

    /// Skips the rest of the value that began at this depth.
    pub(super) fn skip_to(&mut self, depth: usize) -> Result<(), LoadError> {
        while self.depth > depth && self.skip_event()? {}
        Ok(())
    }

    fn skip_event(&mut self) -> Result<bool, LoadError> {
        match &self.source {
            Source::Text(_) => Ok(self.next()?.is_some()),
            #[cfg(feature = "serde")]
            Source::Recorded(_) => self.entry().map(|_| true),
        }
    }

    /// Returns the value of the whole file, unless the file is empty.
    pub(super) fn root(&mut self) -> Result<Option<Node<'a>>, LoadError> {
        #[cfg(feature = "serde")]
        if let Source::Recorded(_) = self.source {
            return Ok(self.entry()?.filter(|root| !root.is_null()));
        }
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

    /// Checks that nothing follows the document.
    pub(super) fn end(&mut self) -> Result<(), LoadError> {
        while let Some((event, span)) = self.next()? {
            if !matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                return Err(LoadErrorKind::SecondDocument.at(start_of(&span)));
            }
        }
        Ok(())
    }

    /// Reads the next key and value of the current mapping; `None` at its end.
    pub(super) fn pair(
        &mut self,
        expected: &'static str,
        hint: &'static str,
    ) -> Result<Option<(Node<'a>, Node<'a>)>, LoadError> {
        match self.entry()? {
            Some(key) if key.is_mapping() || key.is_sequence() => {
                Err(key.wrong_type(expected, hint))
            }
            Some(key) => Ok(Some((key, self.value()?))),
            None => Ok(None),
        }
    }

    /// Reads the next value of the current list; `None` at its end.
    pub(super) fn entry(&mut self) -> Result<Option<Node<'a>>, LoadError> {
        #[cfg(feature = "serde")]
        if let Source::Recorded(nodes) = &mut self.source {
            let node = nodes.next().flatten();
            match &node {
                Some(node) if node.is_mapping() || node.is_sequence() => self.depth += 1,
                Some(_) => {}
                None => self.depth = self.depth.saturating_sub(1),
            }
            return Ok(node);
        }
        match self.next()? {
            Some((event, span)) => self.begin(event, span),
            None => Ok(None),
        }
    }

    /// Reads the value of a key.
    pub(super) fn value(&mut self) -> Result<Node<'a>, LoadError> {
        // The parser reports an empty value for a key without one.
        self.entry()?.ok_or_else(|| LoadErrorKind::Syntax("a value is missing".to_owned()).into())
    }

    /// Returns the value that begins with this event; `None` if a mapping or list ends.
    fn begin(&mut self, event: Event<'a>, span: Span) -> Result<Option<Node<'a>>, LoadError> {
        let position = start_of(&span);
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_written = !span.is_empty();
                let kind = if is_null(&text, style) {
                    NodeKind::Null { is_written }
                } else {
                    NodeKind::Scalar(Text::new(text), style, self.second_line(&span))
                };
                (kind, anchor, tag.is_some())
            }
            Event::MappingStart(_, anchor, tag) => (NodeKind::Mapping, anchor, tag.is_some()),
            Event::SequenceStart(_, anchor, tag) => (NodeKind::Sequence, anchor, tag.is_some()),
            Event::MappingEnd | Event::SequenceEnd => return Ok(None),
            // Aliases, and events that may be added by later versions of the parser.
            _ => return Err(LoadErrorKind::Anchor.at(position)),
        };
        if anchor != 0 {
            // The parser reports the position of an anchor after its value.
            let anchor = self.next()?.map_or(position, |(_, anchor)| start_of(&anchor));
            return Err(LoadErrorKind::Anchor.at(anchor));
        }
        if tag {
            let tag = span.tag_span().map_or(position, |tag| start_of(&tag));
            return Err(LoadErrorKind::Tag.at(tag));
        }
        Ok(Some(Node { position, kind }))
    }

    /// Returns the start of the second line of a text that spans several lines.
    fn second_line(&self, span: &Span) -> Option<Position> {
        if span.start.line() == span.end.line() {
            return None;
        }
        let text = self.text.get(span.byte_range()?)?;
        let (first, others) = text.split_at(text.find(['\n', '\r'])?);
        let blank = others.len() - others.trim_start().len();
        Some(start_of(span).after(first).after(&others[..blank]))
    }
}

fn start_of(span: &Span) -> Position {
    syntax::position(&span.start)
}
