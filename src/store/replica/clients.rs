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
