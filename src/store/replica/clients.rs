//! The clients, by their names.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::client::ClientProfile;
use crate::store::sql::{BadRow, ClientRow};

mod loading;
mod order;

pub(super) use loading::Loading;
pub(super) use order::Order;

/// In many small sets: growing one of ten million names stops every change for seconds.
pub(super) struct Clients {
    shards: Vec<HashTable<ClientProfile>>,
    hashes: RandomState,
    /// Those that are disabled, and those whose rows cannot be used, which are few.
    disabled: HashSet<Box<str>>,
    bad: HashMap<Box<str>, BadRow>,
}

const SHARDS: usize = 256;

/// A client, as its keys see it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) profile: &'a ClientProfile,
    pub(super) enabled: bool,
}

/// A name that is looked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) hash: u64,
}

impl Clients {
    /// The client of this name, if it is known; or why its row cannot be used.
    pub(super) fn get(&self, name: &str) -> Option<Result<Seen<'_>, &BadRow>> {
        let asked = Asked { name, hash: self.hash(name) };
        self.seen(name, self.find(asked))
    }

    /// As [`Clients::get`], for many. A client that is looked for alone waits for the machine's
    /// memory three times over, at its mark, its place and its name; many wait together.
    pub(super) fn get_all<'a>(
        &'a self,
        asked: impl Iterator<Item = Asked<'a>> + Clone,
    ) -> impl Iterator<Item = Option<Result<Seen<'a>, &'a BadRow>>> {
        let first_of_its_mark =
            |asked: Asked<'_>| self.shard(asked.hash).find(asked.hash, |_| true);
        let likely = asked.clone().map(first_of_its_mark).collect::<Vec<_>>();
        let found = likely.into_iter().zip(asked.clone()).map(|(likely, asked)| {
            likely
                .inspect(|client| client.touch())
                .filter(|client| client.name() == asked.name)
                .or_else(|| self.find(asked))
        });
        let found = found.collect::<Vec<_>>();
        found.into_iter().zip(asked).map(|(found, asked)| self.seen(asked.name, found))
    }

    fn find(&self, Asked { name, hash }: Asked<'_>) -> Option<&ClientProfile> {
        self.shard(hash).find(hash, |client| client.name() == name)
    }

    fn seen<'a>(
        &'a self,
        name: &str,
        found: Option<&'a ClientProfile>,
    ) -> Option<Result<Seen<'a>, &'a BadRow>> {
        let Some(profile) = found else { return self.bad.get(name).map(Err) };
        let enabled = self.disabled.is_empty() || !self.disabled.contains(name);
        Some(Ok(Seen { profile, enabled }))
    }

    pub(super) fn put(&mut self, name: &str, row: Result<ClientRow, BadRow>) {
        if !self.disabled.is_empty() || !self.bad.is_empty() {
            self.disabled.remove(name);
            self.bad.remove(name);
        }
        match row {
            Ok(ClientRow { profile, enabled }) => {
                if !enabled {
                    self.disabled.insert(name.into());
                }
                self.place(self.hash(name), profile);
            }
            Err(row) => {
                self.remove(name);
                self.bad.insert(name.into(), row);
            }
        }
    }

    /// Puts a client into its place, or into that of the one with its name.
    fn place(&mut self, hash: u64, profile: ClientProfile) {
        let Self { shards, hashes, .. } = self;
        let same = |client: &ClientProfile| client.name() == profile.name();
        match shards[shard(hash)].entry(hash, same, |client| hashes.hash_one(client.name())) {
            Entry::Occupied(mut place) => *place.get_mut() = profile,
            Entry::Vacant(place) => _ = place.insert(profile),
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
        self.hashes.hash_one(name)
    }

    fn shard(&self, hash: u64) -> &HashTable<ClientProfile> {
        &self.shards[shard(hash)]
    }
}

/// By the middle bits: a set has its own use for those at the ends.
// Less than the number of shards, so it fits.
#[allow(clippy::cast_possible_truncation)]
fn shard(hash: u64) -> usize {
    ((hash >> 32) % SHARDS as u64) as usize
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            shards: vec![HashTable::new(); SHARDS],
            hashes: RandomState::new(),
            disabled: HashSet::new(),
            bad: HashMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded() -> (Clients, Order) {
        let mut loading = Loading::with_room(7);
        for number in 0..40_000 {
            let profile = ClientProfile::new(number.to_string());
            let row = match number % 10 {
                3 => Err(BadRow::client("?", "it is spoilt")),
                of_ten => Ok(ClientRow { profile, enabled: of_ten != 4 }),
            };
            loading.put(&number.to_string(), row);
        }
        loading.end()
    }

    fn check(number: usize, seen: Option<Result<Seen<'_>, &BadRow>>) {
        match (number % 10, seen) {
            (_, None) if number >= 40_000 => {}
            (3, Some(Err(bad))) => assert_eq!(bad.why, "it is spoilt"),
            (of_ten, Some(Ok(seen))) => {
                assert_eq!(seen.profile.name(), number.to_string());
                assert_eq!(seen.enabled, of_ten != 4);
            }
            _ => panic!("{number}"),
        }
    }

    #[test]
    fn clients_are_found_one_by_one_and_together() {
        let (clients, _) = loaded();
        assert_eq!(clients.len(), 40_000);
        for number in 0..50_000 {
            check(number, clients.get(&number.to_string()));
        }
        let numbers = (0..50_000).rev().step_by(3).chain([7, 7]).collect::<Vec<usize>>();
        let names = numbers.iter().map(ToString::to_string).collect::<Vec<_>>();
        let asked = names.iter().map(|name| Asked { name, hash: clients.hash(name) });
        let found = clients.get_all(asked).collect::<Vec<_>>();
        assert_eq!(found.len(), numbers.len());
        for (number, seen) in numbers.into_iter().zip(found) {
            check(number, seen);
        }
    }

    #[test]
    fn clients_are_replaced_and_removed() {
        let (mut clients, _) = loaded();
        for number in 0..40_000 {
            let name = number.to_string();
            if number % 2 == 0 {
                let profile = ClientProfile::new(&name).with_metadata([("of", "later")]);
                clients.put(&name, Ok(ClientRow { profile, enabled: true }));
            } else {
                clients.remove(&name);
            }
        }
        assert_eq!(clients.len(), 20_000);
        for number in 0..40_000 {
            match clients.get(&number.to_string()) {
                Some(Ok(Seen { profile, enabled: true })) if number % 2 == 0 => {
                    assert_eq!(profile.metadata()["of"], "later");
                }
                None if number % 2 == 1 => {}
                _ => panic!("{number}"),
            }
        }
    }
}
