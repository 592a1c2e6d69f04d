//! Keys in an application's own file.

use super::fields::{difference, known_name};
use super::{FileParser, ROOT};
use crate::store::yaml::error::WarningKind;
use crate::store::yaml::events::{AppEntry, Events};
use crate::store::yaml::layout::{SECTION, is_top_name};
use crate::store::yaml::load_error::{LoadError, LoadErrorKind, Repeated};
use crate::store::yaml::position::Position;

/// A name that belongs to keygate.
enum Ours {
    /// `api_key` or `api_keys`.
    Keys,
    /// The first name of the path to the section.
    Section,
}

impl FileParser<'_> {
    pub(super) fn read_app(
        &mut self,
        events: &mut Events<'_>,
        section: &[Box<str>],
    ) -> Result<(), LoadError> {
        let mut has_keys = false;
        if events.app_root()? {
            has_keys = self.read_app_mapping(events, section, true)?;
            events.end()?;
        }
        if has_keys {
            return Ok(());
        }
        // The error needs a place, since one without a place means that the file cannot be read.
        Err(LoadErrorKind::NoSection { section: section.join(".") }.at(Position::new(1, 1)))
    }

    /// Reads a mapping of the application on the path to the section. Returns whether it has keys or the section.
    fn read_app_mapping(
        &mut self,
        events: &mut Events<'_>,
        section: &[Box<str>],
        is_top: bool,
    ) -> Result<bool, LoadError> {
        let Some((name, inner)) = section.split_first() else { return Ok(false) };
        let class = |text: &str| match text {
            text if text == &**name => Some(Ours::Section),
            text if is_top && is_top_name(text) => Some(Ours::Keys),
            _ => None,
        };
        let (mut seen, mut seen_section, mut has_keys) = (ROOT.seen(), None, false);
        while let Some(entry) = events.app_entry(class)? {
            let depth = events.depth();
            let result = match entry {
                AppEntry::Other(text) => {
                    if let Some((text, position)) = text
                        && is_top
                        && let Some(kind) = lookalike(&text, name)
                    {
                        self.warn(kind, position);
                    }
                    events.skip_app_value()
                }
                AppEntry::Ours(Ours::Keys, node) => {
                    has_keys = true;
                    let value = events.value()?;
                    seen.field(node).and_then(|field| self.read_field(field, value, events))
                }
                AppEntry::Ours(Ours::Section, node) => {
                    let first: Option<Position> = seen_section.replace(node.position);
                    let second = first.map(|first| {
                        LoadErrorKind::Repeated { what: Repeated::Section, first: first.into() }
                            .at(node.position)
                    });
                    let read = self.read_section(events, inner);
                    has_keys |= *read.as_ref().unwrap_or(&true);
                    second.map_or(read.map(drop), Err)
                }
            };
            self.errors.collect(result)?;
            events.skip_to(depth)?;
        }
        Ok(has_keys)
    }

    /// Reads the value of the first name of the path to the section.
    fn read_section(
        &mut self,
        events: &mut Events<'_>,
        inner: &[Box<str>],
    ) -> Result<bool, LoadError> {
        if !inner.is_empty() {
            return Ok(events.app_mapping()? && self.read_app_mapping(events, inner, false)?);
        }
        let value = events.value()?;
        if !value.is_null() {
            value.mapping("a mapping", "write the fields of keygate indented below it")?;
            self.read(events, &ROOT)?;
        }
        Ok(true)
    }
}

/// Returns the warning about a name of the application that may have been meant for keygate.
fn lookalike(text: &str, section: &str) -> Option<WarningKind> {
    let misplaced = ["clients", "allow_weak_keys"].into_iter().find(|name| *name == text);
    if let Some(name) = misplaced {
        return Some(WarningKind::Misplaced { name });
    }
    let shown = if section == SECTION { "`keygate`" } else { "the section of keygate" };
    let known = [("api_keys", "`api_keys`"), ("api_key", "`api_key`"), (section, shown)];
    let near =
        known.into_iter().filter_map(|(known, shown)| Some((difference(text, known)?, shown)));
    near.min_by_key(|(letters, _)| *letters).map(|(_, nearest)| WarningKind::NearMiss { nearest })
}

/// Returns whether a text looks like an application's own file: it has the name `keygate` at the top level, or a name
/// that neither is nor resembles a field of key files.
pub(in crate::store::yaml) fn is_of_app(text: &str) -> bool {
    let mut events = Events::of_app(text);
    let mut has_other = || -> Result<bool, LoadError> {
        if !events.app_root()? {
            return Ok(false);
        }
        while let Some(entry) = events.app_entry(|_| None::<()>)? {
            if let AppEntry::Other(Some((name, _))) = entry
                && (&*name == SECTION || is_foreign(&name))
            {
                return Ok(true);
            }
            events.skip_app_value()?;
        }
        Ok(false)
    };
    has_other().unwrap_or(false)
}

fn is_foreign(name: &str) -> bool {
    known_name(name).is_none() && !ROOT.names().any(|known| difference(name, known).is_some())
}
