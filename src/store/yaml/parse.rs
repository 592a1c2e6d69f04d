use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput};
use zeroize::Zeroize as _;

use super::error::{Fault, FaultKind, Place, WarningKind, YamlWarning};
use crate::digest::KeyDigest;
use crate::key::{self, Strength};
use crate::profile::ClientProfile;
use crate::record::KeyRecord;
use crate::store::MemoryStore;
use crate::store::memory::Bulk;

/// The client of the key in `api_key`.
const DEFAULT_CLIENT: &str = "default";

const FIELDS: [&str; 3] = ["api_key", "api_keys", "allow_weak_keys"];

/// Deeper than any key file needs, and shallow enough to stop a file made to exhaust the parser.
const MAX_DEPTH: usize = 32;

/// Turns the text of a key file into a store. One pass over the events of the parser, whose scalars
/// borrow from the text, so that no copy of a key is made on the way to its digest.
pub(super) fn parse(text: &str) -> Result<(MemoryStore, Vec<YamlWarning>), Fault> {
    let mut events = Events::new(text);
    let mut file = File::default();
    if let Some(root) = events.root()? {
        file.read(root, &mut events)?;
        events.end()?;
    }
    file.finish()
}

/// What has been read of the file so far.
struct File {
    keys: Bulk<Place>,
    weak: Vec<Place>,
    allow_weak: bool,
    /// Where each of `FIELDS` was seen.
    seen: [Option<Place>; FIELDS.len()],
}

impl Default for File {
    fn default() -> Self {
        Self { keys: Bulk::new(), weak: Vec::new(), allow_weak: false, seen: [None; FIELDS.len()] }
    }
}

impl File {
    fn read(&mut self, root: Node<'_>, events: &mut Events<'_>) -> Result<(), Fault> {
        root.mapping(
            "a mapping",
            "the file begins with `api_keys:`, and its keys are indented below, as `KEY: client name`",
        )?;
        while let Some(field) = events.entry()? {
            let place = field.place;
            let name = field.text("the name of a field", "use `api_keys`")?;
            let known = FIELDS.iter().position(|known| *known == name.0);
            let index = known
                .ok_or_else(|| FaultKind::UnknownField { nearest: nearest(&name.0) }.at(place))?;
            if let Some(first) = self.seen[index].replace(place) {
                return Err(
                    FaultKind::SecondField { field: FIELDS[index], first: first.line }.at(place)
                );
            }
            let value = events.node()?;
            match FIELDS[index] {
                "api_key" => {
                    let place = value.place;
                    let key = value.text("a key", "write `api_key: KEY`")?;
                    self.add(&key, place, DEFAULT_CLIENT, place)?;
                }
                "api_keys" if value.is_null() => {}
                "api_keys" => self.read_keys(value, events)?,
                _ => self.allow_weak = value.boolean()?,
            }
        }
        Ok(())
    }

    fn read_keys(&mut self, value: Node<'_>, events: &mut Events<'_>) -> Result<(), Fault> {
        let way_out = "write each key on a line of its own, as `KEY: client name`";
        value.mapping("a mapping of keys to client names", way_out)?;
        while let Some(key) = events.entry()? {
            let key_place = key.place;
            let key = key.text("a key", way_out)?;
            let client = events.node()?;
            let client_place = client.place;
            if client.is_null() {
                return Err(FaultKind::NoClient.at(key_place));
            }
            let client = client.text("the name of a client", way_out)?;
            self.add(&key, key_place, &client.0, client_place)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        key: &Text<'_>,
        place: Place,
        client: &str,
        client_place: Place,
    ) -> Result<(), Fault> {
        let key = key.0.as_bytes();
        let strength =
            key::check(key).map_err(|unusable| FaultKind::Key(unusable.into()).at(place))?;
        if strength == Strength::Weak {
            self.weak.push(place);
        }
        let record = KeyRecord::new(KeyDigest::of(key), ClientProfile::new(client));
        self.keys.push(record, place).map_err(|error| FaultKind::Key(error).at(client_place))
    }

    fn finish(self) -> Result<(MemoryStore, Vec<YamlWarning>), Fault> {
        if let (false, Some(first)) = (self.allow_weak, self.weak.first()) {
            return Err(FaultKind::WeakKey.at(*first));
        }
        let keys = self.keys.finish().map_err(|conflict| {
            let first = conflict.first.line;
            let kind = if conflict.same_key {
                FaultKind::SecondKey { first }
            } else {
                FaultKind::SameId { first }
            };
            kind.at(conflict.second)
        })?;
        let weak =
            self.weak.iter().map(|place| YamlWarning::new(WarningKind::WeakKey, Some(*place)));
        let mut warnings: Vec<_> = weak.collect();
        if keys.is_empty() {
            warnings.push(YamlWarning::new(WarningKind::NoKeys, None));
        }
        Ok((keys, warnings))
    }
}

fn nearest(field: &str) -> &'static str {
    let distance = |known: &&str| strsim::damerau_levenshtein(field, known);
    FIELDS.into_iter().min_by_key(distance).unwrap_or(FIELDS[0])
}

/// The events of one document, without those that a key file may not hold.
struct Events<'a>(Parser<'a, StrInput<'a>>);

/// The beginning of a value.
struct Node<'a> {
    place: Place,
    kind: NodeKind<'a>,
}

enum NodeKind<'a> {
    Scalar(Text<'a>, ScalarStyle),
    /// Nothing stands where a value could.
    Nothing,
    Mapping,
    Sequence,
}

impl<'a> Events<'a> {
    fn new(text: &'a str) -> Self {
        let mut options = Options::default();
        options.flow_nesting_limit = MAX_DEPTH;
        options.block_nesting_limit = MAX_DEPTH;
        options.disallow_directives = true;
        options.emit_unresolved_aliases = true;
        options.set_emit_comments(false);
        Self(Parser::new_from_str_with_options(text, options))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Fault> {
        self.0.next().transpose().map_err(|error| syntax(&error))
    }

    /// The value that the whole file is, unless the file is empty.
    fn root(&mut self) -> Result<Option<Node<'a>>, Fault> {
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd => return Ok(None),
                event => {
                    return match node(event, span)? {
                        Some(root) if root.is_null() => self.end().map(|()| None),
                        root => Ok(root),
                    };
                }
            }
        }
        Ok(None)
    }

    /// Nothing may follow the one document.
    fn end(&mut self) -> Result<(), Fault> {
        while let Some((event, span)) = self.next()? {
            if !matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                return Err(FaultKind::SecondDocument.at(place(&span)));
            }
        }
        Ok(())
    }

    /// The next key of the mapping that is being read, or its end.
    fn entry(&mut self) -> Result<Option<Node<'a>>, Fault> {
        match self.next()? {
            Some((event, span)) => node(event, span),
            None => Ok(None),
        }
    }

    /// The value behind a key.
    fn node(&mut self) -> Result<Node<'a>, Fault> {
        // The parser gives every key a value, if only one that is not there.
        self.entry()?.ok_or_else(|| FaultKind::Syntax("a value is missing".to_owned()).into())
    }
}

/// What begins with this event; nothing where a mapping or sequence ends.
fn node<'a>(event: Event<'a>, span: Span) -> Result<Option<Node<'a>>, Fault> {
    let place = place(&span);
    let (kind, anchor, tag) = match event {
        Event::Scalar(text, style, anchor, tag) => {
            let nothing = span.is_empty() && style == ScalarStyle::Plain;
            let kind =
                if nothing { NodeKind::Nothing } else { NodeKind::Scalar(Text(text), style) };
            (kind, anchor, tag.is_some())
        }
        Event::MappingStart(_, anchor, tag) => (NodeKind::Mapping, anchor, tag.is_some()),
        Event::SequenceStart(_, anchor, tag) => (NodeKind::Sequence, anchor, tag.is_some()),
        Event::MappingEnd | Event::SequenceEnd => return Ok(None),
        // Aliases, and whatever else the parser may come to tell apart.
        _ => return Err(FaultKind::Anchor.at(place)),
    };
    if anchor != 0 {
        return Err(FaultKind::Anchor.at(place));
    }
    if tag {
        return Err(FaultKind::Tag.at(place));
    }
    Ok(Some(Node { place, kind }))
}

impl<'a> Node<'a> {
    fn found(&self) -> &'static str {
        match self.kind {
            NodeKind::Scalar(..) => "a text",
            NodeKind::Nothing => "nothing",
            NodeKind::Mapping => "a mapping",
            NodeKind::Sequence => "a list",
        }
    }

    fn wrong_type(&self, expected: &'static str, way_out: &'static str) -> Fault {
        FaultKind::WrongType { expected, found: self.found(), way_out }.at(self.place)
    }

    /// The text exactly as it stands, whatever a YAML schema would make of it.
    fn text(self, expected: &'static str, way_out: &'static str) -> Result<Text<'a>, Fault> {
        match self.kind {
            NodeKind::Scalar(text, _) => Ok(text),
            _ => Err(self.wrong_type(expected, way_out)),
        }
    }

    fn mapping(&self, expected: &'static str, way_out: &'static str) -> Result<(), Fault> {
        match self.kind {
            NodeKind::Mapping => Ok(()),
            _ => Err(self.wrong_type(expected, way_out)),
        }
    }

    /// `null` as in the core schema of YAML 1.2 (section 10.3.2).
    fn is_null(&self) -> bool {
        match &self.kind {
            NodeKind::Scalar(text, ScalarStyle::Plain) => {
                matches!(&*text.0, "~" | "null" | "Null" | "NULL")
            }
            kind => matches!(kind, NodeKind::Nothing),
        }
    }

    /// `true` and `false` as in the core schema of YAML 1.2 (section 10.3.2).
    fn boolean(self) -> Result<bool, Fault> {
        match &self.kind {
            NodeKind::Scalar(text, ScalarStyle::Plain) => match &*text.0 {
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
struct Text<'a>(Cow<'a, str>);

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

fn place(span: &Span) -> Place {
    Place::new(span.start.line(), span.start.col() + 1)
}

fn syntax(error: &ScanError) -> Fault {
    let marker = error.marker();
    let kind = match error.kind() {
        ErrorKind::RecursionLimitExceeded => FaultKind::TooDeep,
        // The other messages are fixed texts; this one holds a character of the file.
        ErrorKind::UnexpectedCharacter { .. } => FaultKind::Syntax(
            "a text cannot begin with this character: put it in quotes".to_owned(),
        ),
        _ => FaultKind::Syntax(error.info()),
    };
    kind.at(Place::new(marker.line(), marker.col() + 1))
}
