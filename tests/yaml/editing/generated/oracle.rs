//! Predicts from the lines of a file which of them an edit must keep.

use std::collections::BTreeSet;

use super::content::{NAMES, Twin};
use super::layout::{Owner, Page};
use super::step::Step;
use crate::editing::fixture::id;

/// The lines and comments of a file that stay until their entry changes.
pub(super) struct Kept {
    lines: Vec<(Owner, String)>,
    comments: Vec<(Owner, bool, String)>,
    is_crlf: bool,
    clients: BTreeSet<usize>,
    keys: BTreeSet<char>,
    removed: BTreeSet<usize>,
    /// Clients whose fields may be gone, with their comments.
    updated: BTreeSet<usize>,
}

impl Kept {
    pub(super) fn new(page: &Page) -> Self {
        let (mut lines, comments) = page.parts();
        // The last line may have no line end; if it is blank, it then does not count.
        lines.truncate(
            lines.iter().rposition(|(_, line)| !line.is_empty()).map_or(0, |last| last + 1),
        );
        Self {
            lines,
            comments,
            is_crlf: page.text().contains("\r\n"),
            clients: BTreeSet::new(),
            keys: BTreeSet::new(),
            removed: BTreeSet::new(),
            updated: BTreeSet::new(),
        }
    }

    pub(super) fn touch(&mut self, step: &Step, twin: &Twin) {
        match step {
            Step::Add(name, _)
            | Step::Enable(name)
            | Step::Disable(name)
            | Step::Issue { name, .. } => {
                self.clients.insert(*name);
            }
            Step::Remove(name) => {
                self.clients.insert(*name);
                self.removed.insert(*name);
            }
            Step::UpdateClient(name, _) => {
                self.clients.insert(*name);
                self.updated.insert(*name);
            }
            Step::UpdateKey(letter, _)
            | Step::Revoke(letter)
            | Step::Rotate { old: letter, .. } => {
                self.keys.insert(*letter);
                let keys = twin.store().list_keys(None).unwrap();
                let key = keys.iter().find(|key| key.key_id == id(*letter)).unwrap();
                let client = NAMES.iter().position(|name| *name == key.client);
                self.clients.extend(client);
                if matches!(step, Step::UpdateKey(..)) {
                    self.updated.extend(client);
                }
            }
            Step::Hash => {
                self.clients.extend(0..NAMES.len());
                self.keys.extend(self.lines.iter().filter_map(|(owner, _)| owner.short));
            }
        }
    }

    pub(super) fn check(&self, after: &str) -> Result<(), String> {
        if self.is_crlf && after.matches('\n').count() != after.matches("\r\n").count() {
            return Err("a line ends otherwise than the others".to_owned());
        }
        let mut lines = after.lines();
        for (_, line) in self.lines.iter().filter(|(owner, _)| self.keeps(owner)) {
            if !lines.any(|kept| kept.trim_start_matches('\u{feff}') == line) {
                return Err(format!("this line was lost or moved: {line:?}"));
            }
        }
        let mut place = 0;
        for (owner, own_line, comment) in &self.comments {
            let is_loose =
                |client| self.removed.contains(&client) || self.updated.contains(&client);
            if owner.client.is_some_and(is_loose) {
                continue;
            }
            let found = after.match_indices(comment).collect::<Vec<_>>();
            let [(found, _)] = found[..] else {
                return Err(format!("this comment is there {} times: {comment}", found.len()));
            };
            if *own_line && found < place {
                return Err(format!("this comment moved: {comment}"));
            }
            place = if *own_line { found } else { place };
        }
        Ok(())
    }

    fn keeps(&self, owner: &Owner) -> bool {
        let removed = owner.client.is_some_and(|client| self.removed.contains(&client));
        let touched = match (owner.key, owner.client) {
            (Some(key), _) => self.keys.contains(&key),
            (None, Some(client)) => self.clients.contains(&client),
            (None, None) => !owner.is_sure,
        };
        !removed && !touched
    }
}
