//! Records values that serde reads, for the parser of key files.

use std::borrow::Cow;
use std::fmt::Write as _;

use granit_parser::ScalarStyle;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor as _};

use crate::store::api_keys::any::{Any, Receive, Scalar};
use crate::store::api_keys::{hidden, is_like_a_number};
use crate::store::yaml::events::MAX_DEPTH;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::{Node, NodeKind, Text};
use crate::store::yaml::parse::known_name;
use crate::store::yaml::position::Position;

#[derive(Default)]
pub(super) struct Recording {
    /// `None` ends a mapping or list.
    pub(super) nodes: Vec<Option<Node<'static>>>,
    pub(super) places: Places,
    pub(super) errors: Vec<LoadError>,
}

/// The places of all values. Their numbers are used instead of lines.
#[derive(Default)]
pub(super) struct Places(Vec<(u32, Step)>);

#[derive(Clone, Copy)]
enum Step {
    Field(&'static str),
    /// The number of an entry or item, counted from 1.
    Entry(usize),
}

impl Places {
    /// Adds a value inside another one. The root has the number 0.
    fn add(&mut self, parent: u32, step: Step) -> u32 {
        self.0.push((parent, step));
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Returns the path to a value, without names that may be keys.
    pub(super) fn show(&self, mut number: u32) -> String {
        let mut steps = Vec::new();
        while let Some((parent, step)) =
            number.checked_sub(1).and_then(|at| self.0.get(at as usize))
        {
            steps.push(*step);
            number = *parent;
        }
        let mut path = String::new();
        for step in steps.iter().rev() {
            let comma = if path.is_empty() { "" } else { ", " };
            let _ = match step {
                Step::Field(name) => write!(path, "{comma}`{name}`"),
                Step::Entry(number) => write!(path, "{comma}entry {number}"),
            };
        }
        if path.is_empty() { "the keys".to_owned() } else { path }
    }
}

/// Records one value.
pub(super) struct Recorder<'r> {
    into: &'r mut Recording,
    place: u32,
    depth: usize,
    is_name: bool,
}

impl<'r> Recorder<'r> {
    pub(super) fn root(into: &'r mut Recording) -> Self {
        Self { into, place: 0, depth: 0, is_name: false }
    }

    fn inner(&mut self, place: u32) -> Recorder<'_> {
        Recorder { into: self.into, place, depth: self.depth + 1, is_name: false }
    }

    /// The number of the entry's name.
    fn name(&mut self, place: u32) -> Recorder<'_> {
        Recorder { is_name: true, ..self.inner(place) }
    }

    fn push(&mut self, kind: NodeKind<'static>) {
        let position = Position { line: self.place, column: 1 };
        self.into.nodes.push(Some(Node { position, kind }));
    }

    fn refuse(&mut self, kind: LoadErrorKind) {
        self.into.errors.push(kind.at(Position { line: self.place, column: 1 }));
        self.push(NodeKind::Null { is_written: true });
    }

    /// Names an entry after its field, if the last recorded key is the name of a field.
    fn step(&self, index: usize) -> Step {
        let field = match self.into.nodes.last() {
            Some(Some(Node { kind: NodeKind::Scalar(name, ..), .. })) => known_name(name),
            _ => None,
        };
        field.map_or(Step::Entry(index), Step::Field)
    }
}

impl<'de> Receive<'de> for Recorder<'_> {
    type Value = ();

    fn scalar(mut self, scalar: Scalar<'_>) {
        let owned = |text: String| Text::new(Cow::Owned(text));
        match scalar {
            Scalar::Text(text) if self.is_name && is_like_a_number(text) => {
                self.push(NodeKind::Number(owned(text.to_owned())));
            }
            Scalar::Text(text) => {
                let style = ScalarStyle::DoubleQuoted;
                self.push(NodeKind::Scalar(owned(text.to_owned()), style, None));
            }
            Scalar::Boolean(boolean) => self.push(NodeKind::Boolean(boolean)),
            Scalar::Number(number) => self.push(NodeKind::Number(owned(number.to_string()))),
            Scalar::Null => self.push(NodeKind::Null { is_written: true }),
            Scalar::Tagged => self.refuse(LoadErrorKind::Tag),
            Scalar::Binary => {
                self.push(NodeKind::Sequence);
                self.into.nodes.push(None);
            }
        }
    }

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if self.depth >= MAX_DEPTH {
            self.refuse(LoadErrorKind::TooDeep);
            return IgnoredAny.visit_seq(list).map(drop);
        }
        self.push(NodeKind::Sequence);
        for index in 1_usize.. {
            let place = self.into.places.add(self.place, Step::Entry(index));
            let item = list.next_element_seed(Any(self.inner(place)));
            if item.map_err(|_| hidden::<A::Error>(index))?.is_none() {
                break;
            }
        }
        self.into.nodes.push(None);
        Ok(())
    }

    fn map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        if self.depth >= MAX_DEPTH {
            self.refuse(LoadErrorKind::TooDeep);
            return IgnoredAny.visit_map(map).map(drop);
        }
        self.push(NodeKind::Mapping);
        for index in 1_usize.. {
            let place = self.into.places.add(self.place, Step::Entry(index));
            let hide = |_| hidden::<A::Error>(index);
            if map.next_key_seed(Any(self.name(place))).map_err(hide)?.is_none() {
                break;
            }
            let step = self.step(index);
            let at = place as usize - 1;
            self.into.places.0[at].1 = step;
            map.next_value_seed(Any(self.inner(place))).map_err(hide)?;
        }
        self.into.nodes.push(None);
        Ok(())
    }
}
