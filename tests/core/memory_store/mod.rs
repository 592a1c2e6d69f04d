//! Filling a `MemoryStore`.

mod building;
mod counting;
mod refusing;
mod revoking;

use std::time::SystemTime;

use keygate::key::KeyState;
use keygate::{ClientProfile, KeyDigest, KeyRecord, LocalKeyStore as _, MemoryStore};

/// A unique key.
fn key(number: usize) -> String {
    format!("a-key-for-tests-{number:08}")
}

fn digest(number: usize) -> KeyDigest {
    KeyDigest::of(key(number).as_bytes())
}

/// A digest with this prefix, which is its id; `tail` distinguishes it from others with the same id.
fn by_hand(prefix: u64, tail: u8) -> KeyDigest {
    let mut bytes = [tail; 32];
    bytes[..8].copy_from_slice(&prefix.to_be_bytes());
    KeyDigest::from_bytes(bytes)
}

fn state(store: &MemoryStore, digest: KeyDigest) -> Option<KeyState> {
    find(store, digest).map(|record| record.state())
}

fn find(store: &MemoryStore, digest: KeyDigest) -> Option<KeyRecord> {
    store.find(&digest).expect("a lookup in memory never fails")
}

fn names(store: &MemoryStore) -> Vec<String> {
    store.profiles().iter().map(|client| client.name().to_owned()).collect()
}

/// The results of a store for these digests.
#[derive(Debug, PartialEq)]
struct Contents {
    len: usize,
    is_empty: bool,
    client_count: usize,
    clients: Vec<ClientProfile>,
    records: Vec<Option<Fields>>,
}

type Fields = (KeyDigest, ClientProfile, Option<SystemTime>, KeyState);

impl Contents {
    fn of(store: &MemoryStore, digests: impl IntoIterator<Item = KeyDigest>) -> Self {
        let records = digests.into_iter().map(|digest| {
            let record = find(store, digest)?;
            Some((record.digest(), record.profile().clone(), record.expires(), record.state()))
        });
        Self {
            len: store.len(),
            is_empty: store.is_empty(),
            client_count: store.client_count(),
            clients: store.profiles(),
            records: records.collect(),
        }
    }
}
