//! What has changed and is still to be read.

use std::collections::BTreeSet;

use sqlx::postgres::PgRow;
use sqlx::{Error, Row as _};

use crate::key::KeyId;

/// Which clients and keys have rows that may be newer than what is held. Their rows are read as they
/// are when it is their turn, so the order is free: what takes rights away comes first.
#[derive(Default)]
pub(super) struct Pending {
    clients: BTreeSet<String>,
    urgent: BTreeSet<KeyId>,
    keys: BTreeSet<KeyId>,
    /// Whether nothing less than all has changed.
    pub(super) all: bool,
    /// Whether some were taken whose rows are not served yet.
    taken: bool,
}

/// What is read in one turn: more wait for the next one, so that a revoke which comes meanwhile
/// is heard soon.
const TURN: usize = 10_000;

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.urgent.is_empty() && self.keys.is_empty() && !self.all
    }

    /// Takes note of an event.
    pub(super) fn add(&mut self, row: &PgRow) -> Result<(), Error> {
        let action: &str = row.try_get(3)?;
        let client: Option<&str> = row.try_get(4)?;
        let key_id: Option<&str> = row.try_get(5)?;
        match (key_id.map(str::parse), client) {
            (Some(Ok(key_id)), _) if action == "key.issued" => _ = self.keys.insert(key_id),
            (Some(Ok(key_id)), _) => _ = self.urgent.insert(key_id),
            (None, Some(client)) => _ = self.clients.insert(client.to_owned()),
            // `all.removed`, or what only a later version or a hand can have written.
            _ => self.all = true,
        }
        Ok(())
    }

    /// Adds a key of a client that has changed.
    pub(super) fn add_key(&mut self, row: &PgRow) -> Result<(), Error> {
        if let Ok(key_id) = row.try_get::<&str, _>(0)?.parse() {
            self.keys.insert(key_id);
        }
        Ok(())
    }

    pub(super) fn is_taken(&self) -> bool {
        self.taken
    }

    /// What was taken is served; after a load, all is.
    pub(super) fn done(&mut self, all: bool) {
        self.taken = false;
        if all {
            *self = Self::default();
        }
    }

    pub(super) fn take_clients(&mut self) -> Vec<String> {
        let mut taken = Vec::new();
        while taken.len() < TURN {
            let Some(name) = self.clients.pop_first() else { break };
            taken.push(name);
        }
        self.taken |= !taken.is_empty();
        taken
    }

    /// Takes keys, those first that may have lost rights; those that were issued wait for their clients.
    pub(super) fn take_keys(&mut self) -> BTreeSet<KeyId> {
        let mut taken = BTreeSet::new();
        while taken.len() < TURN {
            let next = match self.urgent.pop_first() {
                None if self.clients.is_empty() => self.keys.pop_first(),
                urgent => urgent,
            };
            let Some(key_id) = next else { break };
            taken.insert(key_id);
        }
        self.taken |= !taken.is_empty();
        taken
    }
}
