use hashbrown::HashTable;

use super::{Clients, Order, SHARDS, shard};
use crate::client::ClientProfile;
use crate::store::sql::{BadRow, ClientRow};

/// The clients that are being loaded.
pub(in crate::store::replica) struct Loading {
    clients: Clients,
    /// Those that are to come into each shard. A name that is put into its place alone waits for the
    /// machine's memory; many of one shard wait together.
    waiting: Vec<Vec<(u64, ClientProfile)>>,
    profiles: Vec<ClientProfile>,
}

const TOGETHER: usize = 64;

impl Loading {
    /// With room for about so many: a set that grows looks at the names of all that it holds.
    pub(in crate::store::replica) fn with_room(count: usize) -> Self {
        let shards = (0..SHARDS).map(|_| HashTable::with_capacity(count / SHARDS)).collect();
        Self {
            clients: Clients { shards, ..Clients::default() },
            waiting: (0..SHARDS).map(|_| Vec::with_capacity(TOGETHER)).collect(),
            profiles: Vec::with_capacity(count),
        }
    }

    pub(in crate::store::replica) fn put(&mut self, name: &str, row: Result<ClientRow, BadRow>) {
        let profile = match row {
            Ok(ClientRow { profile, enabled: true }) => profile,
            row => return self.clients.put(name, row),
        };
        self.profiles.push(profile.clone());
        let hash = self.clients.hash(name);
        let waiting = &mut self.waiting[shard(hash)];
        waiting.push((hash, profile));
        if waiting.len() == TOGETHER {
            for (hash, profile) in waiting.drain(..) {
                self.clients.place(hash, profile);
            }
        }
    }

    /// The clients, and the enabled ones in the order in which they came.
    pub(in crate::store::replica) fn end(mut self) -> (Clients, Order) {
        for (hash, profile) in self.waiting.into_iter().flatten() {
            self.clients.place(hash, profile);
        }
        (self.clients, Order::new(self.profiles))
    }
}
