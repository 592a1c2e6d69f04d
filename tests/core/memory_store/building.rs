//! Stores of many keys at once.

use std::time::{Duration, UNIX_EPOCH};

use keygate::client::{LabelError, ProfileError};
use keygate::key::{KeyState, UnusableKey, WeakKey};
use keygate::manage::KeyError;
use keygate::store::FromKeysError;
use keygate::{ClientProfile, KeyRecord, MemoryStore};
use proptest::prelude::*;

use crate::memory_store::{Contents, digest, find, key, state};

fn refused(keys: Vec<(String, ClientProfile)>) -> (usize, KeyError) {
    let FromKeysError { index, error, .. } = MemoryStore::from_keys(keys).unwrap_err();
    (index, error)
}

#[test]
fn refused_list_names_the_index_of_the_key() {
    let key_id = KeyRecord::new(digest(2), "User 2").key_id();
    let detailed = ClientProfile::new("User 1").with_metadata([("team", "billing")]);
    let cases = [
        (key(2), "User 3".into(), KeyError::Duplicate { key_id }),
        (key(2), "User 2".into(), KeyError::Duplicate { key_id }),
        ("short".to_owned(), "User 3".into(), KeyError::Weak(WeakKey::Short)),
        (String::new(), "User 3".into(), KeyError::Unusable(UnusableKey::Empty)),
        (key(3) + "\n", "User 3".into(), KeyError::Unusable(UnusableKey::Control)),
        (key(3), "".into(), KeyError::Profile(ProfileError::Name(LabelError::Empty))),
        (key(3), detailed, KeyError::ProfileConflict { name: "User 1".to_owned() }),
    ];
    for (bad_key, profile, error) in cases {
        for index in [3, 1_500] {
            let mut keys: Vec<(String, ClientProfile)> =
                (10..2_000).map(|number| (key(number), "User 1".into())).collect();
            keys.insert(1, (key(2), "User 2".into()));
            keys.insert(index, (bad_key.clone(), profile.clone()));
            assert_eq!(refused(keys), (index, error.clone()));
        }
    }
}

#[test]
fn first_of_several_duplicates_is_named() {
    let keys = [1, 2, 3, 2, 1, 3, 2].map(|number| (key(number), "User 1".into()));
    let key_id = KeyRecord::new(digest(2), "User 1").key_id();
    assert_eq!(refused(keys.into()), (3, KeyError::Duplicate { key_id }));
}

#[test]
fn error_index_counts_from_zero_and_its_message_from_one() {
    let error =
        MemoryStore::from_keys([(key(1), "User 1"), ("short".into(), "User 2")]).unwrap_err();
    assert_eq!(error.index, 1);
    assert!(error.to_string().starts_with("key 2 of the list: "), "{error}");
}

#[test]
fn bulk_built_store_adds_and_revokes_keys() {
    let store = MemoryStore::from_keys((0..2_000).map(|number| (key(number), "User 1"))).unwrap();
    let key_id = KeyRecord::new(digest(7), "User 1").key_id();
    assert_eq!(store.insert(key(7), "User 1"), Err(KeyError::Duplicate { key_id }));
    store.revoke(&key_id).unwrap();
    assert_eq!(store.insert(key(7), "User 1"), Err(KeyError::Revoked { key_id }));
    store.insert(key(2_000), "User 2").unwrap();
    assert_eq!((store.len(), store.client_count()), (2_000, 2));
    assert_eq!(state(&store, digest(2_000)), Some(KeyState::Active));
}

#[test]
fn growing_store_keeps_the_expiry_and_state_of_each_record() {
    let expires = |number: usize| {
        let micros = 1_700_000_000_123_456 + number as u64 * 50_000_000_000_000;
        (!number.is_multiple_of(3)).then(|| UNIX_EPOCH + Duration::from_micros(micros))
    };
    let state = |number: usize| match number % 5 {
        0 => KeyState::Disabled,
        1 => KeyState::Revoked,
        _ => KeyState::Active,
    };
    let store = MemoryStore::new();
    for number in 0..3_000 {
        let record = KeyRecord::new(digest(number), format!("User {}", number % 7))
            .with_expiry(expires(number))
            .with_state(state(number));
        store.insert_record(record).unwrap();
    }
    for number in 0..3_000 {
        let record = find(&store, digest(number)).unwrap();
        let kept = (record.profile().name(), record.expires(), record.state());
        let name = format!("User {}", number % 7);
        assert_eq!(kept, (&*name, expires(number), state(number)), "{number}");
    }
    assert_eq!((store.len(), store.client_count()), (2_400, 7));
}

/// Some keys, in two orders.
fn orders() -> impl Strategy<Value = [Vec<usize>; 2]> {
    (0..400_usize).prop_flat_map(|count| {
        let keys = Just((0..count).collect::<Vec<_>>());
        [keys.clone().prop_shuffle(), keys.prop_shuffle()]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_inserts_and_bulk_building_do_not_matter([one, other] in orders()) {
        let entry = |number: usize| (key(number), format!("User {}", number % 7));
        let at_once = MemoryStore::from_keys(one.iter().map(|number| entry(*number))).unwrap();
        let in_turn = MemoryStore::new();
        let half_and_half = {
            let half = other.iter().take(other.len() / 2).map(|number| entry(*number));
            MemoryStore::from_keys(half).unwrap()
        };
        for (index, number) in other.iter().enumerate() {
            let (key, name) = entry(*number);
            if index >= other.len() / 2 {
                half_and_half.insert(&key, &*name).unwrap();
            }
            in_turn.insert(key, name).unwrap();
        }
        let contents = |store| Contents::of(store, (0..=one.len()).map(digest));
        prop_assert_eq!(contents(&at_once), contents(&in_turn));
        prop_assert_eq!(contents(&at_once), contents(&half_and_half));
        prop_assert_eq!(at_once.len(), one.len());
    }
}
