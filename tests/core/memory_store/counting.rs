//! Numbers of keys and clients, and lists of clients.

use std::time::UNIX_EPOCH;

use keygate::key::KeyState;
use keygate::{ClientProfile, KeyRecord, MemoryStore};

use crate::memory_store::{Contents, digest, key, names};

#[test]
fn new_store_is_empty() {
    for store in
        [MemoryStore::new(), MemoryStore::default(), MemoryStore::from_keys([("", ""); 0]).unwrap()]
    {
        assert_eq!((store.len(), store.client_count()), (0, 0));
        assert!(store.is_empty() && store.profiles().is_empty());
    }
}

#[test]
fn keys_are_counted_until_they_are_revoked() {
    let store = MemoryStore::new();
    let first = store.insert(key(1), "User 1").unwrap();
    let disabled = KeyRecord::new(digest(2), "User 1").with_state(KeyState::Disabled);
    let disabled = store.insert_record(disabled).unwrap();
    let expired = KeyRecord::new(digest(3), "User 1").with_expiry(UNIX_EPOCH);
    let expired = store.insert_record(expired).unwrap();
    assert_eq!(store.len(), 3);
    for (key_id, left) in [(first, 2), (disabled, 1), (expired, 0)] {
        assert!(!store.is_empty());
        store.revoke(&key_id).unwrap();
        assert_eq!(store.len(), left);
    }
    assert!(store.is_empty());
}

#[test]
fn key_inserted_as_revoked_counts_only_its_client() {
    let store = MemoryStore::new();
    let record = KeyRecord::new(digest(1), "User 1").with_state(KeyState::Revoked);
    store.insert_record(record).unwrap();
    assert_eq!((store.len(), store.is_empty(), store.client_count()), (0, true, 1));
}

#[test]
fn client_without_unrevoked_keys_is_still_counted() {
    let store = MemoryStore::new();
    for number in 0..3 {
        let key_id = store.insert(key(number), "User 1").unwrap();
        store.revoke(&key_id).unwrap();
    }
    assert_eq!((store.len(), store.client_count()), (0, 1));
    assert_eq!(names(&store), ["User 1"]);
}

#[test]
fn clients_are_listed_once_and_sorted_by_name() {
    let sorted = ["App 1", "User 1", "User 10", "User 2", "app 1", "Österreich", "ä"];
    let store = MemoryStore::new();
    for (number, name) in sorted.iter().rev().chain(&sorted).enumerate() {
        store.insert(key(number), *name).unwrap();
    }
    assert_eq!((store.len(), store.client_count()), (14, 7));
    assert_eq!(names(&store), sorted);
}

#[test]
fn clients_are_listed_with_their_whole_profile() {
    let profile = ClientProfile::new("User 1")
        .with_scopes(["orders:read".parse().unwrap(), "*".parse().unwrap()])
        .with_quota("100/minute".parse().unwrap())
        .with_metadata([("team", "billing")]);
    let store = MemoryStore::from_keys([(key(1), profile.clone())]).unwrap();
    assert_eq!(store.profiles(), [profile]);
}

#[test]
fn client_names_are_compared_exactly() {
    let names = ["User 1", "user 1", "User  1", "User\u{a0}1", "U\u{308}ser", "Üser"];
    let keys = names.iter().enumerate().map(|(number, name)| (key(number), *name));
    assert_eq!(MemoryStore::from_keys(keys).unwrap().client_count(), names.len());
}

#[test]
fn clones_are_handles_to_the_same_keys() {
    let store = MemoryStore::new();
    let clone = store.clone();
    let other = MemoryStore::new();
    let contents = |store: &MemoryStore| Contents::of(store, [digest(1), digest(2)]);

    let key_id = store.insert(key(1), "User 1").unwrap();
    clone.insert(key(2), "User 2").unwrap();
    assert_eq!((clone.len(), clone.client_count()), (2, 2));
    assert_eq!(contents(&store), contents(&clone));

    clone.revoke(&key_id).unwrap();
    assert_eq!(store.len(), 1);
    assert_eq!(contents(&store), contents(&clone));
    drop(store);
    assert_eq!(clone.len(), 1);
    assert!(other.is_empty());
}

#[test]
fn debug_shows_the_numbers_of_keys_and_clients() {
    let store = MemoryStore::from_keys((0..3).map(|number| (key(number), "User 1"))).unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore { keys: 3, clients: 1 }");
}
