//! The changes whose rows must still be read.

use std::collections::BTreeSet;

use sqlx::postgres::PgRow;
use sqlx::{Error, Row as _};

use crate::key::KeyId;

/// Clients and keys whose rows in the database may be newer than those in memory.
///
/// Reading a row returns its current state, so changes may be read in any order. Changes that may take rights away
/// come first.
#[derive(Default)]
pub(super) struct ChangeQueue {
    clients: BTreeSet<String>,
    urgent: BTreeSet<KeyId>,
    keys: BTreeSet<KeyId>,
    /// Whether all rows must be loaded.
    pub(super) reload: bool,
    /// Whether changes were taken whose rows are not served yet.
    pub(super) has_unapplied: bool,
}

/// The maximum number of rows per poll. The rest waits for the next poll, so that a revocation is seen soon.
const BATCH: usize = 10_000;

impl ChangeQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.urgent.is_empty() && self.keys.is_empty() && !self.reload
    }

    /// Adds the change of an event.
    pub(super) fn add(&mut self, row: &PgRow) -> Result<(), Error> {
        let action: &str = row.try_get("action")?;
        let client: Option<&str> = row.try_get("client")?;
        let key_id: Option<&str> = row.try_get("key_id")?;
        match (key_id.map(str::parse), client) {
            (Some(Ok(key_id)), _) if matches!(action, "key.issued" | "key.purged") => {
                self.keys.insert(key_id);
            }
            (Some(Ok(key_id)), _) => _ = self.urgent.insert(key_id),
            (None, None) if action == "policy.changed" => {}
            (None, Some(client)) => _ = self.clients.insert(client.to_owned()),
            // `all.removed`, or an event that was written by hand or by a later version.
            _ => self.reload = true,
        }
        Ok(())
    }

    /// Adds a key of a client that has changed.
    pub(super) fn add_key(&mut self, row: &PgRow) -> Result<(), Error> {
        if let Ok(key_id) = row.try_get::<&str, _>("key_id")?.parse() {
            self.keys.insert(key_id);
        }
        Ok(())
    }

    /// Empties the queue after a load, which read all rows.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the changes that the next poll reads, beginning with keys that may have lost rights. Issued keys wait
    /// until no client is queued.
    pub(super) fn take(&mut self) -> Batch {
        let mut batch = Batch::default();
        while batch.names.len() < BATCH
            && let Some(name) = self.clients.pop_first()
        {
            batch.names.push(name);
        }
        while batch.key_ids.len() < BATCH {
            let next = match self.urgent.pop_first() {
                None if self.clients.is_empty() => self.keys.pop_first(),
                urgent => urgent,
            };
            let Some(key_id) = next else { break };
            batch.key_ids.insert(key_id);
        }
        self.has_unapplied |= !batch.is_empty();
        batch
    }
}

/// The clients and keys whose rows one poll reads.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) names: Vec<String>,
    pub(super) key_ids: BTreeSet<KeyId>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.key_ids.is_empty()
    }
}
