use super::ordered::OrderedClients;
use crate::client::ClientProfile;
use crate::store::replica::clients::{Clients, SHARDS, shard};
use crate::store::sql::{BadRow, ClientRow};

/// Collects the clients during a load.
pub(super) struct ClientLoader {
    clients: Clients,
    /// Clients not yet inserted, by shard. Inserting one name waits for a cache miss; the misses of a batch
    /// overlap.
    batches: Vec<Vec<(u64, ClientProfile)>>,
    profiles: Vec<ClientProfile>,
}

const BATCH: usize = 64;

impl ClientLoader {
    /// Reserves space for `count` clients: growing a shard hashes all its names again.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            clients: Clients::with_capacity(count),
            batches: (0..SHARDS).map(|_| Vec::with_capacity(BATCH)).collect(),
            profiles: Vec::with_capacity(count),
        }
    }

    pub(super) fn insert(&mut self, name: &str, row: Result<ClientRow, BadRow>) {
        let profile = match row {
            Ok(ClientRow { profile, enabled: true }) => profile,
            row => return self.clients.insert(name, row),
        };
        self.profiles.push(profile.clone());
        let hash = self.clients.hash(name);
        let batch = &mut self.batches[shard(hash)];
        batch.push((hash, profile));
        if batch.len() == BATCH {
            for (hash, profile) in batch.drain(..) {
                self.clients.insert_hashed(hash, profile);
            }
        }
    }

    /// Returns all clients, and the enabled ones in the order of their insertion.
    pub(super) fn finish(mut self) -> (Clients, OrderedClients) {
        for (hash, profile) in self.batches.into_iter().flatten() {
            self.clients.insert_hashed(hash, profile);
        }
        (self.clients, OrderedClients::new(self.profiles))
    }
}
