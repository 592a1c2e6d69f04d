//! The content of a file, and a store in memory with the same content.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::testing::FakeClock;
use keygate::{ClientProfile, MemoryStore, NewKey};

use super::dice::Dice;
use super::step::{Changed, Step};
use crate::editing::fixture::{digest, id, key, now};

pub(super) const NAMES: [&str; 10] = [
    "App 1",
    "default",
    "a: b #c",
    "it's \"so\"",
    "Größe 🦀",
    "null",
    "- x",
    "0x1F",
    "x:",
    "y, [z]",
];
pub(super) const LABELS: [&str; 4] = ["production", "two: #2", "~", "'"];

/// The letters that name all keys; the last ones are for successors and new keys.
pub(super) const LETTERS: [char; 16] =
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'];

pub(super) struct Content {
    pub(super) clients: Vec<Client>,
    /// The letters of plaintext keys, with the index of their client in `NAMES`.
    pub(super) shorts: Vec<(char, usize)>,
    /// Whether the first of these keys is written as `api_key`.
    pub(super) has_api_key: bool,
}

pub(super) struct Client {
    /// In `NAMES`.
    pub(super) name: usize,
    pub(super) enabled: Option<bool>,
    pub(super) scopes: Vec<&'static str>,
    pub(super) quota: Option<&'static str>,
    pub(super) metadata: Vec<(&'static str, &'static str)>,
    pub(super) keys: Vec<Key>,
}

pub(super) struct Key {
    pub(super) letter: char,
    pub(super) label: Option<&'static str>,
    /// Hours after the start of the test's time.
    pub(super) created: u64,
    pub(super) expires: Option<u64>,
    pub(super) revoked: Option<u64>,
}

pub(super) fn hour(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_400 + number * 3600)
}

impl Content {
    pub(super) fn new(mut dice: Dice) -> Self {
        let mut letters = LETTERS.into_iter();
        let mut names = (0..NAMES.len()).collect::<Vec<_>>();
        let mut clients = Vec::new();
        for _ in 0..dice.roll(5) {
            let name = names.remove(dice.roll(names.len()));
            clients.push(Client {
                name,
                enabled: *dice.pick(&[&None, &Some(true), &Some(false)]),
                scopes: ["orders:read", "*"][..dice.roll(3)].to_vec(),
                quota: *dice.pick(&[&None, &Some("100/minute"), &Some("unlimited")]),
                metadata: [("team", "billing: #1"), ("é", "two\nlines")][..dice.roll(3)].to_vec(),
                keys: (0..dice.roll(4))
                    .map(|_| Key {
                        letter: letters.next().unwrap(),
                        label: dice.once_in(2).then(|| LABELS[dice.roll(4)]),
                        created: dice.roll(100) as u64,
                        expires: dice.once_in(3).then(|| 1_500 + dice.roll(100) as u64),
                        revoked: dice.once_in(4).then(|| 100 + dice.roll(100) as u64),
                    })
                    .collect(),
            });
        }
        let shorts = dice.roll(5).min(letters.len() - 4);
        let shorts = letters.by_ref().take(shorts).collect::<Vec<_>>();
        let has_api_key = dice.once_in(2);
        // The name of the client of `api_key`.
        let client = |place, dice: &mut Dice| match place {
            0 if has_api_key => 1,
            _ => dice.roll(NAMES.len()),
        };
        let shorts = shorts.into_iter().enumerate();
        let shorts = shorts.map(|(place, letter)| (letter, client(place, &mut dice))).collect();
        Self { clients, shorts, has_api_key }
    }

    pub(super) fn plain_keys(&self) -> impl Iterator<Item = String> {
        self.shorts.iter().map(|(letter, _)| key(*letter))
    }
}

/// A store in memory with the same content, and the clock of both.
pub(super) struct Twin {
    store: MemoryStore,
    clock: FakeClock,
    shorts: Mutex<Vec<char>>,
}

impl Twin {
    pub(super) fn new(content: &Content) -> Self {
        let clock = FakeClock::at(now());
        let shorts = content.shorts.iter().map(|(letter, _)| *letter).collect();
        let twin = Self {
            store: MemoryStore::new().with_clock(clock.reader()),
            clock,
            shorts: Mutex::new(shorts),
        };
        let store = &twin.store;
        for client in &content.clients {
            let profile = ClientProfile::new(NAMES[client.name])
                .with_scopes(client.scopes.iter().map(|scope| scope.parse().unwrap()))
                .with_metadata(client.metadata.clone());
            let quota = client.quota.map(|quota| quota.parse().unwrap());
            store.add_client(quota.into_iter().fold(profile, ClientProfile::with_quota)).unwrap();
            for key in &client.keys {
                twin.clock.set(hour(key.created));
                let new = NewKey::new(digest(key.letter)).with_expiry(key.expires.map(hour));
                let new = key.label.into_iter().fold(new, NewKey::with_label);
                store.issue(NAMES[client.name], new).unwrap();
                if let Some(at) = key.revoked {
                    twin.clock.set(hour(at));
                    store.revoke(&id(key.letter)).unwrap();
                }
            }
        }
        for (letter, name) in &content.shorts {
            let known = store.list_clients().into_iter().map(|client| client.profile);
            let profile = known.into_iter().find(|known| known.name() == NAMES[*name]);
            let profile = profile.unwrap_or_else(|| NAMES[*name].into());
            store.insert(key(*letter), profile).unwrap();
        }
        for client in &content.clients {
            if client.enabled == Some(false) {
                store.disable_client(NAMES[client.name]).unwrap();
            }
        }
        twin.clock.set(now());
        twin
    }

    pub(super) fn store(&self) -> &MemoryStore {
        &self.store
    }

    pub(super) fn clock(&self) -> &FakeClock {
        &self.clock
    }

    pub(super) fn make(&self, step: &Step) -> Result<Changed, String> {
        if let Step::Hash = step {
            // Only keys that have not moved yet.
            let mut shorts = self.shorts.lock().unwrap();
            let is_there = |letter: &char| {
                let keys = self.store.list_keys(None).unwrap();
                keys.iter().any(|key| key.key_id == id(*letter))
            };
            let count = shorts.iter().filter(|letter| is_there(letter)).count();
            shorts.clear();
            return Ok(Changed::Hashed(count));
        }
        let is_change = step.changes(&self.store);
        let changed = super::step::make_in_memory(&self.store, step);
        if let Step::UpdateKey(letter, _) | Step::Revoke(letter) | Step::Rotate { old: letter, .. } =
            step
            && is_change
            && changed.is_ok()
        {
            self.shorts.lock().unwrap().retain(|short| short != letter);
        }
        changed
    }
}
