use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::SystemTime;

use keygate::ManageKeys;
use keygate::manage::{KeyQuery, KeyStatus, ManageError};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::json::{Kind, Problem};

/// The number of locks, over which clients are distributed by a hash.
const LOCKS: usize = 64;

/// Locks for requests that create keys, so that only one at a time runs for each client.
pub(super) struct IssueLocks {
    locks: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Default for IssueLocks {
    fn default() -> Self {
        let locks = (0..LOCKS).map(|_| Arc::default()).collect();
        Self { locks, hasher: RandomState::new() }
    }
}

impl IssueLocks {
    /// Waits until no other request is creating a key for this client.
    pub(super) async fn lock(&self, client: &str) -> OwnedMutexGuard<()> {
        let hash = self.hasher.hash_one(client);
        let index = usize::try_from(hash % LOCKS as u64).unwrap_or_default();
        self.locks[index].clone().lock_owned().await
    }
}

/// Counts the keys of a client that are neither revoked nor expired. Replaced keys count until they expire.
pub(super) async fn count_live(
    store: &dyn ManageKeys,
    client: &str,
    now: SystemTime,
) -> Result<usize, ManageError> {
    let has_ended = |status: &&KeyStatus| matches!(status, KeyStatus::Revoked | KeyStatus::Expired);
    let query = KeyQuery::new().with_client(client).at(now).with_limit(1_000);
    let statuses = KeyStatus::ALL.iter().filter(|status| !has_ended(status));
    let query = statuses.fold(query, |query, status| query.add_status(*status));
    let mut page = store.keys(&query).await?;
    let mut count = page.found.len() + page.unreadable.len();
    while let Some(next) = page.next {
        page = store.keys(&query.clone().after(next)).await?;
        count += page.found.len() + page.unreadable.len();
    }
    Ok(count)
}

pub(super) fn too_many(max: usize) -> Problem {
    let detail = format!(
        "You may have {max} keys, including replaced keys that still work: revoke one first, or rotate one with \
         `\"grace_seconds\": 0`."
    );
    Problem::new(Kind::TooManyKeys, detail)
}
