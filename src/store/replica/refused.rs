//! The keys whose rows cannot be used.

use std::collections::{BTreeMap, HashSet};

use super::ReplicaHealth;
use crate::key::KeyDigest;
use crate::store::sql::BadRow;

/// So many of them are told with their reasons.
const TOLD: usize = 10;

#[derive(Default)]
pub(super) struct Refused {
    /// By the first bytes of their digests, as rows are in the table.
    keys: BTreeMap<u64, (KeyDigest, BadRow)>,
    /// Without a digest there is nobody to refuse, and the row is told all the same.
    nameless: Vec<BadRow>,
    changed: bool,
}

impl Refused {
    /// Others may be refused, which are not known here.
    pub(super) fn unknown() -> Self {
        Self { changed: true, ..Self::default() }
    }

    pub(super) fn add(&mut self, digest: Option<KeyDigest>, row: BadRow) {
        let Some(digest) = digest else { return self.nameless.push(row) };
        self.keys.insert(digest.prefix(), (digest, row));
        self.changed = true;
    }

    /// A key whose client is not there.
    pub(super) fn add_orphan(&mut self, digest: KeyDigest) {
        self.add(Some(digest), BadRow::key(digest.key_id(), "its client is not there"));
    }

    pub(super) fn remove(&mut self, prefix: u64) {
        self.changed |= self.keys.remove(&prefix).is_some();
    }

    /// All of them, if they have changed since this was asked last.
    pub(super) fn changed(&mut self) -> Option<HashSet<KeyDigest>> {
        std::mem::take(&mut self.changed)
            .then(|| self.keys.values().map(|(digest, _)| *digest).collect())
    }

    /// Those of a database that takes the place of the former one.
    pub(super) fn replace(&mut self, other: Self) {
        let changed = self.changed || !self.keys.is_empty() || !other.keys.is_empty();
        *self = Self { changed, ..other };
    }

    pub(super) fn tell(&self, health: &mut ReplicaHealth) {
        health.refused_rows = self.keys.len() + self.nameless.len();
        let rows = self.keys.values().map(|(_, row)| row).chain(&self.nameless);
        health.refused = rows.take(TOLD).map(ToString::to_string).collect();
    }
}
