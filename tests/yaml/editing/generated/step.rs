//! One change, made to a file or to a store in memory.

use std::time::Duration;

use keygate::manage::{
    ClientChange, ClientFacts, ClientInfo, Expiry, KeyChange, KeyFacts, KeyInfo, ManageError,
    Policy, Rotated, rules,
};
use keygate::{ClientProfile, MemoryStore, NewKey, YamlStore};

use super::content::{Content, LABELS, LETTERS, NAMES};
use crate::editing::fixture::{digest, id, now};

#[derive(Debug)]
pub(super) enum Step {
    Add(usize, u8),
    Enable(usize),
    Disable(usize),
    Remove(usize),
    Issue { name: usize, letter: char, more: u8 },
    UpdateClient(usize, u8),
    UpdateKey(char, u8),
    Revoke(char),
    Rotate { old: char, new: char, more: u8 },
    Hash,
}

#[derive(Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Few of them exist at once.
pub(super) enum Changed {
    Client(ClientInfo),
    Key(KeyInfo),
    Rotated(Rotated),
    Hashed(usize),
}

impl Step {
    pub(super) fn new([kind, first, second]: [u8; 3], content: &Content) -> Self {
        // Mostly existing clients and keys.
        let there = content.clients.iter().map(|client| client.name);
        let there = there.chain(content.shorts.iter().map(|(_, name)| *name)).collect::<Vec<_>>();
        let first = usize::from(first);
        let name = if there.is_empty() || first.is_multiple_of(8) {
            first / 8 % NAMES.len()
        } else {
            there[first % there.len()]
        };
        let keys = content.clients.iter().flat_map(|client| &client.keys).map(|key| key.letter);
        let keys = keys.chain(content.shorts.iter().map(|(letter, _)| *letter)).collect::<Vec<_>>();
        let new = LETTERS[LETTERS.len() - 1 - usize::from(second) % 4];
        let old =
            if keys.is_empty() || first.is_multiple_of(8) { new } else { keys[first % keys.len()] };
        match kind % 13 {
            0 => Self::Add(first % NAMES.len(), second),
            1 => Self::Enable(name),
            2 => Self::Disable(name),
            3 => Self::Remove(name),
            4 | 5 => Self::Issue { name, letter: new, more: second },
            6 | 7 => Self::Revoke(old),
            10 | 11 => Self::UpdateClient(name, second),
            12 => Self::UpdateKey(old, second),
            8 => Self::Rotate { old, new, more: second },
            _ => Self::Hash,
        }
    }
}

fn profile(name: usize, more: u8) -> ClientProfile {
    let profile = ClientProfile::new(NAMES[name]);
    match more % 3 {
        0 => profile,
        1 => profile.with_quota("100/minute".parse().unwrap()),
        _ => profile.with_scopes(["a:b".parse().unwrap()]).with_metadata([("k", "v\n#\u{7f}")]),
    }
}

fn new_key(letter: char, more: u8) -> NewKey {
    let label = LABELS.get(usize::from(more / 4) % 8);
    let expires = match more % 3 {
        0 => Expiry::Inherit,
        1 => Expiry::Never,
        _ => Expiry::At(now() + Duration::from_millis(90_000_000 + u64::from(more))),
    };
    label
        .into_iter()
        .fold(NewKey::new(digest(letter)).with_expiry(expires), |new, label| new.with_label(*label))
}

fn client_change(more: u8) -> ClientChange {
    let scope = || ["orders:read", "a:*"][usize::from(more / 8) % 2].parse().unwrap();
    let name = ["team", "é", "new: name"][usize::from(more / 8) % 3];
    let change = ClientChange::new();
    let network = || ["10.0.0.0/8", "2001:db8::/32"][usize::from(more / 16) % 2].parse().unwrap();
    match more % 12 {
        8 => change.with_title(name),
        9 => change.without_title().with_networks([network()]),
        10 => change.with_networks(["10.0.0.0/8", "2001:db8::/32"].map(|it| it.parse().unwrap())),
        11 => change.with_networks([]),
        0 => change.add_scope(scope()),
        1 => change.remove_scope(scope()),
        2 => change.with_quota("5/second".parse().unwrap()),
        3 => change.without_quota(),
        4 => change.set_metadata(name, "it's: \"new\"\n#"),
        5 => change.remove_metadata(name),
        6 => change.with_metadata([(name, "only")]).with_scopes([]),
        _ => change.add_scope(scope()).set_metadata(name, "b").without_quota(),
    }
}

fn key_change(more: u8) -> KeyChange {
    let change = KeyChange::new();
    let label = LABELS[usize::from(more / 8) % LABELS.len()];
    let end = now() + Duration::from_secs(200_000 + u64::from(more / 8));
    let scopes = [&["a:b"][..], &["orders:read"], &["a:b", "orders:read"], &[]];
    let scopes = scopes[usize::from(more / 9) % 4].iter().map(|it| it.parse().unwrap());
    let networks = [&["10.0.0.0/8"][..], &["10.1.0.0/16", "2001:db8::1"], &[]];
    let networks = networks[usize::from(more / 9) % 3].iter().map(|it| it.parse().unwrap());
    match more % 9 {
        6 => change.with_scopes(scopes),
        7 => change.with_networks(networks),
        8 => change.with_label(label).with_scopes(scopes).with_networks(networks),
        0 => change.with_label(label),
        1 => change.without_label(),
        2 => change.with_expiry(end),
        3 => change.with_expiry(None),
        4 => change.with_label(label).with_expiry(end),
        _ => change.without_label().with_expiry(None),
    }
}

impl Step {
    /// Returns whether an update changes anything. The store in memory is in the state before it.
    pub(super) fn changes(&self, store: &MemoryStore) -> bool {
        match self {
            Self::UpdateClient(name, more) => {
                let clients = store.list_clients();
                let known = clients.iter().find(|it| it.profile.name() == NAMES[*name]);
                known.is_some_and(|known| {
                    let facts = ClientFacts::new(known.profile.clone());
                    rules::update_client(&facts, client_change(*more)).is_ok_and(|it| it != facts)
                })
            }
            Self::UpdateKey(letter, more) => {
                let keys = store.list_keys(None).unwrap();
                let known = keys.iter().find(|key| key.key_id == id(*letter));
                known.is_some_and(|known| {
                    let mut facts = KeyFacts::new(digest(*letter), &*known.client);
                    facts.label.clone_from(&known.label);
                    facts.lifetime = known.lifetime;
                    facts.scopes.clone_from(&known.scopes);
                    facts.networks.clone_from(&known.networks);
                    let clients = store.list_clients();
                    let client = clients.iter().find(|it| it.profile.name() == known.client);
                    let client = &client.unwrap().profile;
                    let change = key_change(*more);
                    let changed = rules::update_key(client, &facts, change, &Policy::new(), now());
                    changed.is_ok_and(|it| it != facts)
                })
            }
            _ => true,
        }
    }
}

fn grace(more: u8) -> Duration {
    [Duration::ZERO, Duration::from_secs(3600), Duration::MAX][usize::from(more) % 3]
}

/// Both have the same methods, but no common trait without futures.
macro_rules! make {
    ($store:expr, $step:expr) => {
        match $step {
            Step::Add(name, more) => $store.add_client(profile(*name, *more)).map(Changed::Client),
            Step::Enable(name) => $store.enable_client(NAMES[*name]).map(Changed::Client),
            Step::Disable(name) => $store.disable_client(NAMES[*name]).map(Changed::Client),
            Step::Remove(name) => $store.remove_client(NAMES[*name]).map(Changed::Client),
            Step::Issue { name, letter, more } => {
                $store.issue(NAMES[*name], new_key(*letter, *more)).map(Changed::Key)
            }
            Step::UpdateClient(name, more) => {
                $store.update_client(NAMES[*name], client_change(*more)).map(Changed::Client)
            }
            Step::UpdateKey(letter, more) => {
                $store.update_key(&id(*letter), key_change(*more)).map(Changed::Key)
            }
            Step::Revoke(letter) => $store.revoke(&id(*letter)).map(Changed::Key),
            Step::Rotate { old, new, more } => {
                $store.rotate(&id(*old), new_key(*new, *more), grace(*more)).map(Changed::Rotated)
            }
            Step::Hash => unreachable!("a store in memory holds no plain keys"),
        }
    };
}

pub(super) fn make(store: &YamlStore, step: &Step) -> Result<Changed, String> {
    let changed = match step {
        Step::Hash => store.hash_keys().map(Changed::Hashed),
        step => make!(store, step),
    };
    changed.map_err(|error| error.to_string())
}

pub(super) fn make_in_memory(store: &MemoryStore, step: &Step) -> Result<Changed, String> {
    make!(store, step).map_err(|error: ManageError| error.to_string())
}
