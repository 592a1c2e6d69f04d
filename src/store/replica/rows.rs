//! The rows of keys, and the keys that are refused because their row cannot be used.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use sqlx::postgres::PgRow;

use super::clients::Clients;
use super::health::ReplicaHealth;
use crate::key::{KeyDigest, PackedStatus};
use crate::manage::KeyFacts;
use crate::store::sql::{BadRow, Cursor, record};
use crate::store::table::Row;

/// Reads the row of a key. If it cannot be used, refuses the key.
pub(super) fn read_key(
    row: &PgRow,
    clients: &Clients,
    refused: &mut RefusedKeys,
) -> Option<(Row, PackedStatus)> {
    let key = Cursor::new(row).authenticating_key();
    let digest = key.as_ref().ok().map(|key| key.row.digest);
    let key = key.and_then(|key| with_client(&key.complete()?, clients));
    key.map_err(|bad| refused.add(digest, bad)).ok()
}

fn with_client(key: &KeyFacts, clients: &Clients) -> Result<(Row, PackedStatus), BadRow> {
    let bad = |why: &str| BadRow::key(key.key_id(), why);
    let client = clients.get(&key.client).ok_or_else(|| bad("its client does not exist"))?;
    let (profile, is_enabled) = client.map_err(|row| bad(&row.to_string()))?;
    let record = record(key, profile.clone(), is_enabled);
    let (digest, status) = (record.digest(), record.status());
    Ok((Row { digest, profile: record.into_profile() }, status))
}

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

    pub(super) fn remove(&mut self, prefix: u64) {
        self.changed |= self.keys.remove(&prefix).is_some();
    }

    /// Returns all refused keys if they have changed since the last call.
    pub(super) fn take_changed(&mut self) -> Option<HashSet<KeyDigest>> {
        mem::take(&mut self.changed)
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
