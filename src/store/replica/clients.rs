use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::iter;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::client::ClientProfile;
use crate::manage::ClientFacts;
use crate::store::sql::{BadRow, PartialRow};

/// The clients in memory, by name.
pub(super) struct Clients {
    /// The enabled clients, in shards: growing a single table of ten million names would stop every change for seconds.
    shards: Vec<HashTable<ClientProfile>>,
    hasher: RandomState,
    /// Disabled clients, and the errors of invalid rows.
    others: BTreeMap<Box<str>, Result<ClientProfile, BadRow>>,
}

const SHARDS: usize = 256;

impl Clients {
    pub(super) fn new() -> Self {
        let shards = iter::repeat_with(HashTable::new).take(SHARDS).collect();
        Self { shards, hasher: RandomState::default(), others: BTreeMap::new() }
    }

    /// Returns the profile of the client with this name and whether it is enabled, or the reason why its row
    /// cannot be used.
    pub(super) fn get(&self, name: &str) -> Option<Result<(&ClientProfile, bool), &BadRow>> {
        let hash = self.hasher.hash_one(name);
        match self.shards[shard(hash)].find(hash, |client| client.name() == name) {
            Some(profile) => Some(Ok((profile, true))),
            None => {
                self.others.get(name).map(|other| other.as_ref().map(|profile| (profile, false)))
            }
        }
    }

    /// Inserts or replaces a client. The keys of an unchanged one continue to share its profile.
    pub(super) fn insert(&mut self, client: PartialRow<ClientFacts>) {
        let PartialRow { row: ClientFacts { profile, enabled }, error } = client;
        let name = profile.name();
        if error.is_some() || !enabled {
            self.remove(name);
            self.others.insert(name.into(), error.map_or_else(|| Ok(profile.clone()), Err));
            return;
        }
        self.others.remove(name);
        self.insert_enabled(self.hasher.hash_one(name), profile);
    }

    fn insert_enabled(&mut self, hash: u64, profile: ClientProfile) {
        let Self { shards, hasher, .. } = self;
        let is_same = |client: &ClientProfile| client.name() == profile.name();
        match shards[shard(hash)].entry(hash, is_same, |client| hasher.hash_one(client.name())) {
            Entry::Occupied(known) if *known.get() == profile => {}
            Entry::Occupied(mut known) => *known.get_mut() = profile,
            Entry::Vacant(vacant) => _ = vacant.insert(profile),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        let hash = self.hasher.hash_one(name);
        let client = self.shards[shard(hash)].find_entry(hash, |client| client.name() == name);
        if let Ok(client) = client {
            client.remove();
        }
        self.others.remove(name);
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(HashTable::len).sum::<usize>() + self.others.len()
    }
}

/// Builder of the map of all clients.
///
/// Enabled clients are inserted shard by shard. A shard fits in the cache; in any other order, each insertion would wait
/// for memory.
pub(super) struct ClientsBuilder {
    /// The enabled clients of each shard, and the hashes of their names.
    shards: Vec<Vec<(u64, ClientProfile)>>,
    others: Vec<PartialRow<ClientFacts>>,
    clients: Clients,
}

impl ClientsBuilder {
    pub(super) fn new() -> Self {
        let shards = iter::repeat_with(Vec::new).take(SHARDS).collect();
        Self { shards, others: Vec::new(), clients: Clients::new() }
    }

    pub(super) fn push(&mut self, client: PartialRow<ClientFacts>) {
        if client.error.is_some() || !client.row.enabled {
            return self.others.push(client);
        }
        let profile = client.row.profile;
        let hash = self.clients.hasher.hash_one(profile.name());
        self.shards[shard(hash)].push((hash, profile));
    }

    pub(super) fn finish(self) -> Clients {
        let Self { shards, others, mut clients } = self;
        for (shard, rows) in shards.into_iter().enumerate() {
            clients.shards[shard] = HashTable::with_capacity(rows.len());
            for (hash, profile) in rows {
                clients.insert_enabled(hash, profile);
            }
        }
        // Last: if a name is not unique, the client is disabled.
        for client in others {
            clients.insert(client);
        }
        clients
    }
}

/// Returns the shard of a hash, by its middle bits: the table uses the bits at both ends.
// Less than the number of shards, so it fits.
#[allow(clippy::cast_possible_truncation)]
fn shard(hash: u64) -> usize {
    ((hash >> 32) % SHARDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32) -> PartialRow<ClientFacts> {
        let profile = ClientProfile::new(number.to_string());
        let error = (number % 10 == 3).then(|| BadRow::client("?", "it is invalid"));
        PartialRow { row: ClientFacts { profile, enabled: number % 10 != 4 }, error }
    }

    /// Half of them are built, and the others are inserted.
    fn clients() -> Clients {
        let mut clients = ClientsBuilder::new();
        for number in 0..20_000 {
            clients.push(row(number));
        }
        let mut clients = clients.finish();
        for number in 20_000..40_000 {
            clients.insert(row(number));
        }
        clients
    }

    #[test]
    fn disabled_client_is_built_after_enabled_twins() {
        let mut clients = ClientsBuilder::new();
        for enabled in [true, false, true] {
            let row = ClientFacts { profile: ClientProfile::new("0"), enabled };
            clients.push(PartialRow { row, error: None });
        }
        let clients = clients.finish();
        assert_eq!(clients.len(), 1);
        assert!(matches!(clients.get("0"), Some(Ok((_, false)))));
    }

    #[test]
    fn clients_are_found_by_name() {
        let clients = clients();
        assert_eq!(clients.len(), 40_000);
        for number in 0..50_000 {
            match (number % 10, clients.get(&number.to_string())) {
                (_, None) => assert!(number >= 40_000, "{number}"),
                (3, Some(Err(bad))) => assert_eq!(bad.why, "it is invalid"),
                (of_ten, Some(Ok((profile, enabled)))) => {
                    assert_eq!(profile.name(), number.to_string());
                    assert_eq!(enabled, of_ten != 4);
                }
                _ => panic!("{number}"),
            }
        }
    }

    #[test]
    fn clients_are_replaced_and_removed() {
        let mut clients = clients();
        for number in 0..40_000 {
            let name = number.to_string();
            if number % 2 == 0 {
                let profile = ClientProfile::new(&name).with_metadata([("of", "later")]);
                let row = ClientFacts { profile, enabled: true };
                clients.insert(PartialRow { row, error: None });
            } else {
                clients.remove(&name);
            }
        }
        assert_eq!(clients.len(), 20_000);
        for number in 0..40_000 {
            match clients.get(&number.to_string()) {
                Some(Ok((profile, true))) if number % 2 == 0 => {
                    assert_eq!(profile.metadata()["of"], "later");
                }
                None if number % 2 == 1 => {}
                _ => panic!("{number}"),
            }
        }
    }

    #[test]
    fn unchanged_client_keeps_its_profile() {
        let mut clients = clients();
        let row = ClientFacts { profile: ClientProfile::new("0"), enabled: true };
        let address = |clients: &Clients| clients.get("0").unwrap().unwrap().0.address();
        let before = address(&clients);
        clients.insert(PartialRow { row, error: None });
        assert_eq!(address(&clients), before);
    }
}
