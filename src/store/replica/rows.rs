//! The rows of keys, and the keys that are refused because their row cannot be used.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use sqlx::postgres::PgRow;

use super::clients::Clients;
use super::health::ReplicaHealth;
use crate::client::ClientProfile;
use crate::key::{KeyDigest, PackedStatus};
use crate::manage::KeyFacts;
use crate::store::KeyRecord;
use crate::store::sql::{BadRow, Cursor, PartialRow};
use crate::store::table::Row;

/// A decoded row, or the digest of a key that is refused and the reason.
pub(super) type DecodedKey = Result<KeyFacts, RefusedKey>;

type RefusedKey = (Option<KeyDigest>, BadRow);

pub(super) fn decode_key(row: &PgRow) -> DecodedKey {
    let key = Cursor::new(row).authenticating_key();
    let digest = key.as_ref().ok().map(|key| key.row.digest);
    key.and_then(PartialRow::complete).map_err(|bad| (digest, bad))
}

/// Removes keys from a list, and passes them on with their clients. A key whose row cannot be used is refused.
pub(super) fn add_clients(
    keys: &mut Vec<DecodedKey>,
    clients: &Clients,
    refused: &mut RefusedKeys,
    mut add: impl FnMut(Row, PackedStatus),
) {
    // All clients are found before any is copied, so that the waits for memory overlap.
    let find = |key: &DecodedKey| key.as_ref().ok().and_then(|key| clients.get(&key.client));
    let found: Vec<_> = keys.iter().map(find).collect();
    for (key, client) in keys.iter().zip(found) {
        match key.as_ref().map_err(Clone::clone).and_then(|key| with_client(key, client)) {
            Ok((row, status)) => add(row, status),
            Err((digest, bad)) => refused.add(digest, bad),
        }
    }
    keys.clear();
}

fn with_client(
    key: &KeyFacts,
    client: Option<Result<(&ClientProfile, bool), &BadRow>>,
) -> Result<(Row, PackedStatus), RefusedKey> {
    let why = match client {
        Some(Ok((profile, is_enabled))) => {
            let KeyRecord { digest, profile, status } = KeyRecord::of(key, profile, is_enabled);
            return Ok((Row { digest, profile }, status));
        }
        Some(Err(row)) => row.to_string(),
        None => "its client does not exist".to_owned(),
    };
    Err((Some(key.digest), BadRow::key(key.key_id(), why)))
}

/// How many reasons [`ReplicaHealth::refused`] lists.
const LISTED: usize = 10;

/// The keys whose rows cannot be used.
#[derive(Default)]
pub(super) struct RefusedKeys {
    /// By the first bytes of their digests, as in the table.
    keys: BTreeMap<u64, (KeyDigest, BadRow)>,
    /// Rows without a digest: there is no key to refuse, but the row is reported.
    without_digest: Vec<BadRow>,
    changed: bool,
}

impl RefusedKeys {
    /// The state before the first load. A snapshot may refuse other keys.
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
