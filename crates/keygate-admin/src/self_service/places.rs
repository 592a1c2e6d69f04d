use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::SystemTime;

use keygate::ManageKeys;
use keygate::manage::{KeyQuery, KeyStatus, ManageError};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::json::{Kind, Problem};

/// As many clients can make keys at once.
const LOCKS: usize = 64;

/// The places for the keys of each client: requests of one client that make keys wait for each other.
pub(super) struct Places {
    locks: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Default for Places {
    fn default() -> Self {
        let locks = (0..LOCKS).map(|_| Arc::default()).collect();
        Self { locks, hasher: RandomState::new() }
    }
}

impl Places {
    /// Waits until no other request of this client makes a key.
    pub(super) async fn lock(&self, client: &str) -> OwnedMutexGuard<()> {
        let hash = self.hasher.hash_one(client);
        let index = usize::try_from(hash % LOCKS as u64).unwrap_or_default();
        self.locks[index].clone().lock_owned().await
    }
}

/// Counts the keys of a client that take a place: all that have not ended, also those that were replaced.
pub(super) async fn taken(
    store: &dyn ManageKeys,
    client: &str,
    now: SystemTime,
) -> Result<usize, ManageError> {
    let has_ended = |status: &&KeyStatus| matches!(status, KeyStatus::Revoked | KeyStatus::Expired);
    let query = KeyQuery::new().with_client(client).at(now).with_limit(1_000);
    let places = KeyStatus::ALL.iter().filter(|status| !has_ended(status));
    let query = places.fold(query, |query, status| query.add_status(*status));
    let mut page = store.keys(&query).await?;
    let mut taken = page.found.len() + page.unreadable.len();
    while let Some(next) = page.next {
        page = store.keys(&query.clone().after(next)).await?;
        taken += page.found.len() + page.unreadable.len();
    }
    Ok(taken)
}

pub(super) fn too_many(max: usize) -> Problem {
    let detail = format!(
        "You may have {max} keys, those that were replaced and still work included: revoke one first, or rotate one with \
         `\"grace_seconds\": 0`."
    );
    Problem::new(Kind::TooManyKeys, detail)
}
