//! Revocation is final.

use std::time::{Duration, UNIX_EPOCH};

use keygate::key::{KeyState, ParseKeyIdError};
use keygate::manage::{KeyError, ManageError};
use keygate::{Authenticator, KeyRecord, MemoryStore, WrongReason};

use crate::memory_store::{Contents, by_hand, digest, find, key, state};

#[test]
fn revoked_key_is_refused_as_revoked() {
    let store = MemoryStore::new();
    let key_id = store.insert(key(1), "User 1").unwrap();
    let auth = Authenticator::new(store.clone());
    assert_eq!(auth.verify_key(key(1).as_bytes()).unwrap().key_id(), key_id);

    store.revoke(&key_id).unwrap();
    let refused = auth.verify_key(key(1).as_bytes()).unwrap_err();
    assert_eq!((refused.reason(), refused.key_id()), (Some(WrongReason::Revoked), Some(key_id)));
}

#[test]
fn revoked_key_cannot_be_added_again() {
    let store = MemoryStore::new();
    let key_id = store.insert(key(1), "User 1").unwrap();
    store.revoke(&key_id).unwrap();
    for name in ["User 1", "User 2"] {
        assert_eq!(store.insert(key(1), name), Err(KeyError::Revoked { key_id }));
        for state in [KeyState::Active, KeyState::Disabled, KeyState::Revoked] {
            let record = KeyRecord::new(digest(1), name).with_state(state);
            assert_eq!(store.insert_record(record), Err(KeyError::Revoked { key_id }));
        }
    }
    assert_eq!(state(&store, digest(1)), Some(KeyState::Revoked));
}

#[test]
fn key_inserted_as_revoked_cannot_be_added_again() {
    let store = MemoryStore::new();
    let record = KeyRecord::new(digest(1), "User 1");
    let key_id = store.insert_record(record.clone().with_state(KeyState::Revoked)).unwrap();
    assert_eq!(store.insert(key(1), "User 1"), Err(KeyError::Revoked { key_id }));
    assert_eq!(store.insert_record(record), Err(KeyError::Revoked { key_id }));
    assert!(store.revoke(&key_id).is_ok());
    assert_eq!((state(&store, digest(1)), store.len()), (Some(KeyState::Revoked), 0));
}

#[test]
fn id_of_a_revoked_key_cannot_be_reused() {
    let store = MemoryStore::new();
    let key_id = store.insert_record(KeyRecord::new(by_hand(7, 0), "User 1")).unwrap();
    store.revoke(&key_id).unwrap();
    let other = store.insert_record(KeyRecord::new(by_hand(7, 1), "User 1"));
    assert_eq!(other, Err(KeyError::IdConflict { key_id }));
}

#[test]
fn disabled_and_expiring_keys_can_be_revoked() {
    let store = MemoryStore::new();
    let records = [
        KeyRecord::new(digest(1), "User 1").with_state(KeyState::Disabled),
        KeyRecord::new(digest(2), "User 1").with_expiry(UNIX_EPOCH),
        KeyRecord::new(digest(3), "User 1")
            .with_state(KeyState::Disabled)
            .with_expiry(UNIX_EPOCH + Duration::from_secs(4_000_000_000)),
    ];
    for record in records {
        let key_id = store.insert_record(record.clone()).unwrap();
        store.revoke(&key_id).unwrap();
        let revoked = find(&store, record.digest()).unwrap();
        assert_eq!((revoked.state(), revoked.expires()), (KeyState::Revoked, record.expires()));
    }
    assert!(store.is_empty());
}

#[test]
fn revoking_again_changes_nothing() {
    let store = MemoryStore::new();
    let key_id = store.insert(key(1), "User 1").unwrap();
    store.insert(key(2), "User 1").unwrap();
    store.revoke(&key_id).unwrap();
    let contents = || Contents::of(&store, [digest(1), digest(2)]);
    let before = contents();
    assert!(store.revoke(&key_id).is_ok());
    assert_eq!(contents(), before);
    assert_eq!(before.len, 1);
}

#[test]
fn revoking_an_unknown_id_is_an_error() -> Result<(), ParseKeyIdError> {
    let store = MemoryStore::new();
    let known = store.insert_record(KeyRecord::new(by_hand(7, 0), "User 1")).unwrap();
    for text in ["0000000000000006", "0000000000000008", "8000000000000007", "ffffffffffffffff"] {
        let key_id = text.parse()?;
        for store in [&store, &MemoryStore::new()] {
            let refused = store.revoke(&key_id).unwrap_err();
            let is_meant =
                matches!(refused, ManageError::UnknownKey { key_id: id, .. } if id == key_id);
            assert!(is_meant, "{refused}");
        }
    }
    assert_eq!((store.len(), state(&store, by_hand(7, 0))), (1, Some(KeyState::Active)));
    assert!(store.revoke(&known.to_string().parse()?).is_ok());
    Ok(())
}

#[test]
fn revoking_a_key_does_not_affect_others() {
    let keys = (0..3_000).map(|number| (key(number), "User 1"));
    let store = MemoryStore::from_keys(keys).unwrap();
    let key_id = |number| KeyRecord::new(digest(number), "User 1").key_id();
    for number in (0..3_000).step_by(3) {
        store.revoke(&key_id(number)).unwrap();
    }
    for number in 0..3_000 {
        let expected = if number % 3 == 0 { KeyState::Revoked } else { KeyState::Active };
        assert_eq!(state(&store, digest(number)), Some(expected), "{number}");
    }
    assert_eq!(store.len(), 2_000);
}

#[test]
fn revoked_key_stays_revoked_while_the_store_grows() {
    let store = MemoryStore::new();
    let mut revoked = Vec::new();
    for number in 0..3_000 {
        let key_id = store.insert(key(number), "User 1").unwrap();
        if number % 100 == 0 {
            store.revoke(&key_id).unwrap();
            revoked.push((number, key_id));
        }
    }
    for (number, key_id) in revoked {
        assert_eq!(state(&store, digest(number)), Some(KeyState::Revoked), "{number}");
        assert_eq!(store.insert(key(number), "User 1"), Err(KeyError::Revoked { key_id }));
    }
    assert_eq!(store.len(), 2_970);
}
