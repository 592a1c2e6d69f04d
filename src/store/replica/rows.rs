//! The rows of keys, and the keys that are refused because their row cannot be used.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use sqlx::postgres::PgRow;

use super::clients::Clients;
use super::health::ReplicaHealth;
use crate::key::{KeyDigest, KeyState, Lifetime, PackedStatus};
use crate::store::postgres::columns::{self, Columns as _};
use crate::store::sql::BadRow;
use crate::store::table::Row;

/// The columns of a key `k` that a request needs, for [`read_key`].
macro_rules! replica_columns {
    () => {
        "k.digest, k.algorithm, k.client, pg_catalog.timestamptz_send(k.expires), \
         pg_catalog.timestamptz_send(k.revoked)"
    };
}

pub(super) use replica_columns;

/// Reads the row of a key. If it cannot be used, refuses the key.
pub(super) fn read_key(
    row: &PgRow,
    clients: &Clients,
    refused: &mut RefusedKeys,
) -> Option<(Row, PackedStatus)> {
    let key = try_read_key(row, clients);
    let refuse = |bad| {
        let digest = row.bytes(0).ok().flatten().and_then(|bytes| (&*bytes).try_into().ok());
        refused.add(digest.map(KeyDigest::from_bytes), bad);
    };
    key.map_err(refuse).ok()
}

fn try_read_key(row: &PgRow, clients: &Clients) -> Result<(Row, PackedStatus), BadRow> {
    let digest = columns::digest(row, 0, 1)?;
    let key_id = digest.key_id();
    let bad = |why: &str| BadRow::key(key_id, why);
    let client = row.text(2).ok().flatten().ok_or_else(|| bad("it has no client"))?;
    let lifetime = Lifetime { expires: columns::time(row, 3, key_id, "expires")? };
    let revoked = columns::time(row, 4, key_id, "revoked")?;
    let (profile, is_enabled) = match clients.get(client) {
        Some(client) => client.map_err(|row| bad(&row.to_string()))?,
        None => return Err(bad("its client does not exist")),
    };
    let status = PackedStatus::new(KeyState::of(revoked.is_some(), is_enabled), lifetime);
    Ok((Row { digest, profile: profile.clone() }, status))
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
