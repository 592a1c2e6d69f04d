//! Predicts from the layout of a file which changes it refuses because of flow style.

use std::collections::BTreeSet;

use super::content::{Content, NAMES, Twin};
use super::layout::{Page, Part};
use super::step::Step;
use crate::editing::fixture::id;

pub(super) struct Flow {
    parts: BTreeSet<Part>,
    /// The keys below `api_keys`, and in `api_key`.
    shorts: BTreeSet<char>,
    api_key: Option<char>,
}

impl Flow {
    pub(super) fn new(page: &Page, content: &Content) -> Self {
        let shorts = content.shorts.iter().map(|(letter, _)| *letter);
        let api_key = shorts.clone().next().filter(|_| content.has_api_key);
        Self { parts: page.flow().clone(), shorts: shorts.collect(), api_key }
    }

    /// Whether a step that the rules allow would change a part in flow style. The store in memory is in the state
    /// before the step.
    pub(super) fn refuses(&self, step: &Step, twin: &Twin) -> bool {
        let changed = match step {
            Step::Add(name, _) => client(*name),
            Step::Enable(name) | Step::Disable(name) => {
                let clients = twin.store().list_clients();
                let known = clients.iter().find(|client| client.profile.name() == NAMES[*name]);
                let changes =
                    known.is_some_and(|client| client.enabled != matches!(step, Step::Enable(_)));
                if changes { client(*name) } else { Vec::new() }
            }
            Step::Remove(name) => {
                let shorts =
                    self.shorts.iter().filter(|letter| client_of(**letter, twin) == Some(*name));
                let mut changed = vec![Part::Document, Part::Clients];
                changed.extend(
                    shorts.filter(|letter| self.api_key != Some(**letter)).map(|_| Part::ApiKeys),
                );
                changed
            }
            Step::Issue { name, .. } => keys(*name),
            Step::UpdateClient(name, _) if step.changes(twin.store()) => client(*name),
            Step::UpdateKey(letter, _) if step.changes(twin.store()) => self.key(*letter, twin),
            Step::UpdateClient(..) | Step::UpdateKey(..) => Vec::new(),
            Step::Revoke(letter) => {
                let keys = twin.store().list_keys(None).unwrap();
                let is_revoked = |key: &keygate::manage::KeyInfo| {
                    key.key_id == id(*letter) && key.revoked.is_some()
                };
                if keys.iter().any(is_revoked) { Vec::new() } else { self.key(*letter, twin) }
            }
            Step::Rotate { old, .. } => self.key(*old, twin),
            Step::Hash => {
                let there = self.shorts.iter().filter(|letter| client_of(**letter, twin).is_some());
                there.flat_map(|letter| self.key(*letter, twin)).collect()
            }
        };
        changed.iter().any(|part| self.parts.contains(part))
    }

    /// Whether a step may change values with comments between them, which depends on the place of these.
    pub(super) fn may_refuse(&self, step: &Step) -> bool {
        matches!(step, Step::UpdateClient(name, _) if self.parts.contains(&Part::Commented(*name)))
    }

    /// Follows a step that was made.
    pub(super) fn make(&mut self, step: &Step) {
        match step {
            Step::UpdateKey(letter, _)
            | Step::Revoke(letter)
            | Step::Rotate { old: letter, .. } => {
                _ = self.shorts.remove(letter);
            }
            Step::Hash => self.shorts.clear(),
            Step::Remove(name) => {
                self.parts.remove(&Part::Client(*name));
                self.parts.remove(&Part::Keys(*name));
            }
            _ => {}
        }
    }

    fn key(&self, letter: char, twin: &Twin) -> Vec<Part> {
        let mut changed = client_of(letter, twin).map(keys).unwrap_or_default();
        if !self.shorts.contains(&letter) {
            changed.push(Part::Key(letter));
        } else if self.api_key != Some(letter) {
            changed.push(Part::ApiKeys);
        }
        changed
    }
}

fn client(name: usize) -> Vec<Part> {
    vec![Part::Document, Part::Clients, Part::Client(name)]
}

fn keys(name: usize) -> Vec<Part> {
    [client(name), vec![Part::Keys(name)]].concat()
}

/// The client that currently has a key.
fn client_of(letter: char, twin: &Twin) -> Option<usize> {
    let keys = twin.store().list_keys(None).unwrap();
    let key = keys.into_iter().find(|key| key.key_id == id(letter))?;
    NAMES.iter().position(|name| *name == key.client)
}
