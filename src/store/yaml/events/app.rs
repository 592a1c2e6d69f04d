//! The part of an application's own file that is not keygate's. It may use any YAML, and is skipped.

use granit_parser::{Event, Span};

use super::{Events, start_of};
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::{Node, Text, is_null};
use crate::store::yaml::position::Position;

/// Deeper than crates for configurations allow.
const MAX_DEPTH_OF_APP: usize = 1_000;

/// An entry of a mapping, whose value must still be read.
pub(in crate::store::yaml) enum AppEntry<'a, C> {
    Ours(C, Node<'a>),
    /// A name of the application, if it is a text.
    Other(Option<(Text<'a>, Position)>),
}

impl<'a> Events<'a> {
    /// Reads an application's own file.
    pub(in crate::store::yaml) fn of_app(text: &'a str) -> Self {
        let mut options = Self::options(MAX_DEPTH_OF_APP);
        options.disallow_directives = false;
        Self::with_options(text, options)
    }

    /// Opens the document. Returns whether it is a mapping.
    pub(in crate::store::yaml) fn app_root(&mut self) -> Result<bool, LoadError> {
        loop {
            match self.next()? {
                Some((Event::StreamStart | Event::DocumentStart(..), _)) => {}
                first => return Ok(matches!(first, Some((Event::MappingStart(..), _)))),
            }
        }
    }

    /// Reads the next name of the current mapping; `None` at its end. If `class` returns something for a name, the
    /// entry is keygate's.
    pub(in crate::store::yaml) fn app_entry<C>(
        &mut self,
        class: impl FnOnce(&str) -> Option<C>,
    ) -> Result<Option<AppEntry<'a, C>>, LoadError> {
        match self.next_value()? {
            None | Some((Event::MappingEnd, _)) => Ok(None),
            Some((Event::Scalar(text, style, anchor, tag), span)) => match class(&text) {
                Some(class) => {
                    let event = Event::Scalar(text, style, anchor, tag);
                    Ok(self.begin(event, span)?.map(|name| AppEntry::Ours(class, name)))
                }
                None => Ok(Some(AppEntry::Other(Some((Text::new(text), start_of(&span)))))),
            },
            Some((event, _)) => {
                self.skip_rest(&event)?;
                Ok(Some(AppEntry::Other(None)))
            }
        }
    }

    /// Opens the value of a name on the path to keygate's section. Returns whether it is a mapping; it may be null.
    pub(in crate::store::yaml) fn app_mapping(&mut self) -> Result<bool, LoadError> {
        match self.next_value()? {
            Some((Event::MappingStart(..), _)) => Ok(true),
            Some((Event::Scalar(text, style, ..), _)) if is_null(&text, style) => Ok(false),
            Some((Event::Alias(_) | Event::UnresolvedAlias(_), span)) => {
                Err(LoadErrorKind::Anchor.at(start_of(&span)))
            }
            Some((event, span)) => {
                self.skip_rest(&event)?;
                Err(LoadErrorKind::SectionType.at(start_of(&span)))
            }
            None => Ok(false),
        }
    }

    /// Skips the value of a name of the application.
    pub(in crate::store::yaml) fn skip_app_value(&mut self) -> Result<(), LoadError> {
        match self.next_value()? {
            Some((event, _)) => self.skip_rest(&event),
            None => Ok(()),
        }
    }

    pub(in crate::store::yaml) fn depth(&self) -> usize {
        self.depth
    }

    /// Skips the values inside the one that begins with this event.
    fn skip_rest(&mut self, event: &Event<'_>) -> Result<(), LoadError> {
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => self.skip_to(self.depth - 1),
            _ => Ok(()),
        }
    }

    /// Returns the next event, without those about the anchor of the previous value.
    pub(in crate::store::yaml) fn next_value(
        &mut self,
    ) -> Result<Option<(Event<'a>, Span)>, LoadError> {
        loop {
            match self.next()? {
                Some((Event::Anchor(..), _)) => {}
                next => return Ok(next),
            }
        }
    }
}
