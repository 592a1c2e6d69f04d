//! The clients, by their names.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};

use crate::profile::ClientProfile;
use crate::store::sql::{BadRow, ClientRow};

/// In many small sets: growing one of ten million names stops every change for seconds.
pub(super) struct Clients {
    shards: Vec<HashSet<Named>>,
    pick: RandomState,
    /// Those that are disabled, and those whose rows cannot be used, which are few.
    disabled: HashSet<Box<str>>,
    bad: HashMap<Box<str>, BadRow>,
}

const SHARDS: usize = 256;

/// A client, as its keys see it.
pub(super) struct Seen<'a> {
    pub(super) profile: &'a ClientProfile,
    pub(super) enabled: bool,
}

impl Clients {
    /// The client of this name, if it is known; or why its row cannot be used.
    pub(super) fn get(&self, name: &str) -> Option<Result<Seen<'_>, &BadRow>> {
        if let Some(Named(profile)) = self.shards[self.shard(name)].get(name) {
            let enabled = self.disabled.is_empty() || !self.disabled.contains(name);
            return Some(Ok(Seen { profile, enabled }));
        }
        self.bad.get(name).map(Err)
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
                let shard = self.shard(name);
                self.shards[shard].replace(Named(profile));
            }
            Err(row) => {
                self.remove(name);
                self.bad.insert(name.into(), row);
            }
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        let shard = self.shard(name);
        self.shards[shard].remove(name);
        self.disabled.remove(name);
        self.bad.remove(name);
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(HashSet::len).sum::<usize>() + self.bad.len()
    }

    // Less than the number of shards, so it fits.
    #[allow(clippy::cast_possible_truncation)]
    fn shard(&self, name: &str) -> usize {
        (self.pick.hash_one(name) % SHARDS as u64) as usize
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            shards: vec![HashSet::new(); SHARDS],
            pick: RandomState::new(),
            disabled: HashSet::new(),
            bad: HashMap::new(),
        }
    }
}

/// The clients that are being loaded.
pub(super) struct Loading {
    clients: Clients,
    /// Those that are to come into each shard. A name that is put into its place alone waits for the
    /// machine's memory; many of one shard wait together.
    waiting: Vec<Vec<Named>>,
    order: Order,
}

const TOGETHER: usize = 64;

impl Loading {
    /// With room for about so many: a set that grows looks at the names of all that it holds.
    pub(super) fn with_room(count: usize) -> Self {
        let hashes = RandomState::new();
        let shard = |_| HashSet::with_capacity_and_hasher(count / SHARDS, hashes.clone());
        let shards = (0..SHARDS).map(shard).collect();
        Self {
            clients: Clients { shards, ..Clients::default() },
            waiting: (0..SHARDS).map(|_| Vec::with_capacity(TOGETHER)).collect(),
            order: Order { profiles: Vec::with_capacity(count), next: 0 },
        }
    }

    pub(super) fn put(&mut self, name: &str, row: Result<ClientRow, BadRow>) {
        let profile = match row {
            Ok(ClientRow { profile, enabled: true }) => profile,
            row => return self.clients.put(name, row),
        };
        self.order.profiles.push(profile.clone());
        let shard = self.clients.shard(name);
        let waiting = &mut self.waiting[shard];
        waiting.push(Named(profile));
        if waiting.len() == TOGETHER {
            self.clients.shards[shard].extend(waiting.drain(..));
        }
    }

    pub(super) fn end(mut self) -> (Clients, Order) {
        for (shard, waiting) in self.clients.shards.iter_mut().zip(self.waiting) {
            shard.extend(waiting);
        }
        (self.clients, self.order)
    }
}

/// The enabled clients as they came.
pub(super) struct Order {
    profiles: Vec<ClientProfile>,
    /// That of the last key.
    next: usize,
}

/// How far ahead the client of the next key may be.
const NEAR: usize = 16;

impl Order {
    /// As [`Clients::get`]. Whoever issues a key has just added its client, and so does an import:
    /// keys lie in the order of their clients. To look there first saves a third of all loading.
    pub(super) fn find<'a>(
        &'a mut self,
        name: &str,
        clients: &'a Clients,
    ) -> Option<Result<Seen<'a>, &'a BadRow>> {
        let near = self.profiles.iter().skip(self.next).take(NEAR + 1);
        match near.map(ClientProfile::name).position(|other| other == name) {
            Some(place) => {
                self.next += place;
                Some(Ok(Seen { profile: &self.profiles[self.next], enabled: true }))
            }
            None => clients.get(name),
        }
    }
}

/// A profile that stands for its name.
#[derive(Clone)]
struct Named(ClientProfile);

impl Borrow<str> for Named {
    fn borrow(&self) -> &str {
        self.0.name()
    }
}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for Named {}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize, enabled: bool) -> ClientRow {
        ClientRow { profile: ClientProfile::new(number.to_string()), enabled }
    }

    fn loaded() -> (Clients, Order) {
        let mut loading = Loading::with_room(7);
        for number in 0..40_000 {
            let row = match number % 10 {
                3 => Err(BadRow::client("?", "it is spoilt")),
                number_of_ten => Ok(row(number, number_of_ten != 4)),
            };
            loading.put(&number.to_string(), row);
        }
        loading.end()
    }

    #[test]
    fn clients_are_found_in_whatever_order() {
        let (clients, mut order) = loaded();
        assert_eq!(clients.len(), 40_000);
        let forth = (0..40_000).map(|number| number / 2);
        let strides = [1, 7, 15, 31, 7919].map(|stride| (0..40_000).step_by(stride));
        let all = forth.chain((0..40_000).rev()).chain(strides.into_iter().flatten());
        for number in all {
            let name = number.to_string();
            for seen in [order.find(&name, &clients), clients.get(&name)] {
                match (number % 10, seen) {
                    (3, Some(Err(bad))) => assert_eq!(bad.why, "it is spoilt"),
                    (of_ten, Some(Ok(seen))) => {
                        assert_eq!(seen.profile.name(), name);
                        assert_eq!(seen.enabled, of_ten != 4);
                    }
                    _ => panic!("{number}"),
                }
            }
        }
        assert!(order.find("40000", &clients).is_none() && order.find("", &clients).is_none());
    }

    #[test]
    fn clients_in_order_are_found_without_their_set() {
        let (clients, mut order) = loaded();
        let none = Clients::default();
        for number in (0..40_000).filter(|number| !matches!(number % 10, 3 | 4)).step_by(NEAR) {
            let name = number.to_string();
            assert!(order.find(&name, &none).is_some(), "{number}");
            assert!(order.find("4", &none).is_none());
        }
        assert!(matches!(order.find("4", &clients), Some(Ok(Seen { enabled: false, .. }))));
    }
}
