use std::collections::{BTreeMap, HashSet};

use super::health::ReplicaHealth;
use crate::key::KeyDigest;
use crate::store::sql::BadRow;

/// How many reasons [`ReplicaHealth::refused`] lists.
const LISTED: usize = 10;

/// The keys whose rows cannot be used.
#[derive(Default)]
pub(super) struct RefusedKeys {
    /// By the first bytes of their digests, as in the table.
    keys: BTreeMap<u64, (KeyDigest, BadRow)>,
    /// Rows without a digest: no key can be refused, but the row is reported.
    without_digest: Vec<BadRow>,
    changed: bool,
}

impl RefusedKeys {
    /// The state before the first load: a snapshot may refuse other keys.
    pub(super) fn unknown() -> Self {
        Self { changed: true, ..Self::default() }
    }

    pub(super) fn add(&mut self, digest: Option<KeyDigest>, row: BadRow) {
        let Some(digest) = digest else { return self.without_digest.push(row) };
        self.keys.insert(digest.prefix(), (digest, row));
        self.changed = true;
    }

    /// Adds a key whose client does not exist.
    pub(super) fn add_without_client(&mut self, digest: KeyDigest) {
        self.add(Some(digest), BadRow::key(digest.key_id(), "its client does not exist"));
    }

    pub(super) fn remove(&mut self, prefix: u64) {
        self.changed |= self.keys.remove(&prefix).is_some();
    }

    /// Returns all refused keys if they have changed since the last call.
    pub(super) fn take_changed(&mut self) -> Option<HashSet<KeyDigest>> {
        std::mem::take(&mut self.changed)
            .then(|| self.keys.values().map(|(digest, _)| *digest).collect())
    }

    pub(super) fn replace(&mut self, other: Self) {
        let changed = self.changed || !self.keys.is_empty() || !other.keys.is_empty();
        *self = Self { changed, ..other };
    }

    pub(super) fn report(&self, health: &mut ReplicaHealth) {
        health.refused_rows = self.keys.len() + self.without_digest.len();
        let rows = self.keys.values().map(|(_, row)| row).chain(&self.without_digest);
        health.refused = rows.take(LISTED).map(ToString::to_string).collect();
    }
}
