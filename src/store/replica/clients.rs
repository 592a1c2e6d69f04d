//! The clients in memory, by name.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::client::ClientProfile;
use crate::store::sql::{BadRow, ClientRow};

/// All clients, sharded: growing one table of ten million names would stop every change for seconds.
pub(super) struct Clients {
    shards: Vec<HashTable<ClientProfile>>,
    hasher: RandomState,
    /// Disabled clients and clients with invalid rows, apart since they are few.
    disabled: HashSet<Box<str>>,
    bad: HashMap<Box<str>, BadRow>,
}

pub(super) const SHARDS: usize = 256;

/// A client, as far as its keys need it.
#[derive(Clone, Copy)]
pub(super) struct ClientState<'a> {
    pub(super) profile: &'a ClientProfile,
    pub(super) enabled: bool,
}

#[derive(Clone, Copy)]
pub(super) struct HashedName<'a> {
    pub(super) name: &'a str,
    pub(super) hash: u64,
}

impl Clients {
    pub(super) fn with_capacity(count: usize) -> Self {
        let shards = (0..SHARDS).map(|_| HashTable::with_capacity(count / SHARDS)).collect();
        Self { shards, ..Self::default() }
    }

    /// Returns the client with this name, or the reason why its row cannot be used.
    pub(super) fn get(&self, name: &str) -> Option<Result<ClientState<'_>, &BadRow>> {
        let name = HashedName { name, hash: self.hash(name) };
        self.state(name.name, self.find(name))
    }

    /// Looks up many clients. A single lookup waits for three cache misses, at the control byte, the entry
    /// and the name; those of a batch overlap.
    pub(super) fn get_all<'a>(
        &'a self,
        names: impl Iterator<Item = HashedName<'a>> + Clone,
    ) -> impl Iterator<Item = Option<Result<ClientState<'a>, &'a BadRow>>> {
        let candidate = |name: HashedName<'_>| self.shard(name.hash).find(name.hash, |_| true);
        let candidates = names.clone().map(candidate).collect::<Vec<_>>();
        let found = candidates.into_iter().zip(names.clone()).map(|(candidate, name)| {
            candidate.filter(|client| client.name() == name.name).or_else(|| self.find(name))
        });
        let found = found.collect::<Vec<_>>();
        found.into_iter().zip(names).map(|(found, name)| self.state(name.name, found))
    }

    fn find(&self, HashedName { name, hash }: HashedName<'_>) -> Option<&ClientProfile> {
        self.shard(hash).find(hash, |client| client.name() == name)
    }

    fn state<'a>(
        &'a self,
        name: &str,
        found: Option<&'a ClientProfile>,
    ) -> Option<Result<ClientState<'a>, &'a BadRow>> {
        let Some(profile) = found else { return self.bad.get(name).map(Err) };
        let enabled = self.disabled.is_empty() || !self.disabled.contains(name);
        Some(Ok(ClientState { profile, enabled }))
    }

    /// Inserts or replaces a client.
    pub(super) fn insert(&mut self, name: &str, row: Result<ClientRow, BadRow>) {
        if !self.disabled.is_empty() || !self.bad.is_empty() {
            self.disabled.remove(name);
            self.bad.remove(name);
        }
        match row {
            Ok(ClientRow { profile, enabled }) => {
                if !enabled {
                    self.disabled.insert(name.into());
                }
                self.insert_hashed(self.hash(name), profile);
            }
            Err(row) => {
                self.remove(name);
                self.bad.insert(name.into(), row);
            }
        }
    }

    /// Inserts or replaces an enabled client whose name has this hash.
    pub(super) fn insert_hashed(&mut self, hash: u64, profile: ClientProfile) {
        let Self { shards, hasher, .. } = self;
        let same = |client: &ClientProfile| client.name() == profile.name();
        match shards[shard(hash)].entry(hash, same, |client| hasher.hash_one(client.name())) {
            Entry::Occupied(mut entry) => *entry.get_mut() = profile,
            Entry::Vacant(entry) => _ = entry.insert(profile),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        let hash = self.hash(name);
        let shard = &mut self.shards[shard(hash)];
        if let Ok(client) = shard.find_entry(hash, |client| client.name() == name) {
            client.remove();
        }
        self.disabled.remove(name);
        self.bad.remove(name);
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(HashTable::len).sum::<usize>() + self.bad.len()
    }

    pub(super) fn hash(&self, name: &str) -> u64 {
        self.hasher.hash_one(name)
    }

    fn shard(&self, hash: u64) -> &HashTable<ClientProfile> {
        &self.shards[shard(hash)]
    }
}

/// Returns the shard of a hash, by its middle bits: the table uses those at both ends.
// Less than the number of shards, so it fits.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn shard(hash: u64) -> usize {
    ((hash >> 32) % SHARDS as u64) as usize
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            shards: vec![HashTable::new(); SHARDS],
            hasher: RandomState::new(),
            disabled: HashSet::new(),
            bad: HashMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Clients {
        let mut clients = Clients::with_capacity(7);
        for number in 0..40_000 {
            let profile = ClientProfile::new(number.to_string());
            let row = match number % 10 {
                3 => Err(BadRow::client("?", "it is invalid")),
                of_ten => Ok(ClientRow { profile, enabled: of_ten != 4 }),
            };
            clients.insert(&number.to_string(), row);
        }
        clients
    }

    fn check(number: usize, state: Option<Result<ClientState<'_>, &BadRow>>) {
        match (number % 10, state) {
            (_, None) if number >= 40_000 => {}
            (3, Some(Err(bad))) => assert_eq!(bad.why, "it is invalid"),
            (of_ten, Some(Ok(state))) => {
                assert_eq!(state.profile.name(), number.to_string());
                assert_eq!(state.enabled, of_ten != 4);
            }
            _ => panic!("{number}"),
        }
    }

    #[test]
    fn clients_are_found_one_by_one_and_in_batches() {
        let clients = clients();
        assert_eq!(clients.len(), 40_000);
        for number in 0..50_000 {
            check(number, clients.get(&number.to_string()));
        }
        let numbers = (0..50_000).rev().step_by(3).chain([7, 7]).collect::<Vec<usize>>();
        let names = numbers.iter().map(ToString::to_string).collect::<Vec<_>>();
        let hashed = names.iter().map(|name| HashedName { name, hash: clients.hash(name) });
        let found = clients.get_all(hashed).collect::<Vec<_>>();
        assert_eq!(found.len(), numbers.len());
        for (number, state) in numbers.into_iter().zip(found) {
            check(number, state);
        }
    }

    #[test]
    fn clients_are_replaced_and_removed() {
        let mut clients = clients();
        for number in 0..40_000 {
            let name = number.to_string();
            if number % 2 == 0 {
                let profile = ClientProfile::new(&name).with_metadata([("of", "later")]);
                clients.insert(&name, Ok(ClientRow { profile, enabled: true }));
            } else {
                clients.remove(&name);
            }
        }
        assert_eq!(clients.len(), 20_000);
        for number in 0..40_000 {
            match clients.get(&number.to_string()) {
                Some(Ok(ClientState { profile, enabled: true })) if number % 2 == 0 => {
                    assert_eq!(profile.metadata()["of"], "later");
                }
                None if number % 2 == 1 => {}
                _ => panic!("{number}"),
            }
        }
    }
}
