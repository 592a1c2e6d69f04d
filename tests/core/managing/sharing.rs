//! Rules for this store that the contract of all managed stores does not contain.

use std::time::{Duration, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::manage::ManageError;
use keygate::{KeyDigest, ManageKeys, MemoryStore, NewKey};

fn new(key: &str) -> NewKey {
    NewKey::new(KeyDigest::of(key.as_bytes()))
}

#[test]
fn clones_share_clients_keys_and_clock() {
    let store = MemoryStore::new();
    let clone = store.clone();
    let time = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let store = store.with_clock(move || time);
    clone.add_client("App 1").unwrap();
    let issued = clone.issue("App 1", new("a key of App 1")).unwrap();
    assert_eq!(issued.created, Some(time));
    assert_eq!(store.list_keys(None).unwrap(), [issued]);
}

#[test]
fn key_that_was_inserted_can_be_managed() {
    let store = MemoryStore::new();
    let id = store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "App 1").unwrap();
    assert_eq!(store.list_keys(None).unwrap()[0].created, None);
    let rotated = store.rotate(&id, new("a key of App 1"), Duration::from_secs(60)).unwrap();
    assert_eq!((rotated.old.key_id, &*rotated.new.client), (id, "App 1"));
    assert_eq!(store.revoke(&id).unwrap().state, KeyState::Revoked);
    assert_eq!(store.list_clients()[0].keys, 1);
}

#[test]
fn key_that_is_inserted_for_a_disabled_client_is_disabled() {
    let store = MemoryStore::new();
    store.add_client("App 1").unwrap();
    store.disable_client("App 1").unwrap();
    store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "App 1").unwrap();
    assert_eq!(store.list_keys(None).unwrap()[0].state, KeyState::Disabled);
    store.enable_client("App 1").unwrap();
    assert_eq!(store.list_keys(None).unwrap()[0].state, KeyState::Active);
}

#[tokio::test]
async fn store_can_be_chosen_at_run_time() {
    let store: Box<dyn ManageKeys> = Box::new(MemoryStore::new());
    store.add_client("App 1".into()).await.unwrap();
    let again = store.add_client("App 1".into()).await;
    assert!(matches!(again, Err(ManageError::ClientExists { name }) if name == "App 1"));
}
