//! Keys that the store refuses.

use keygate::client::{LabelError, ProfileError};
use keygate::key::{KeyState, MAX_KEY_BYTES, MIN_KEY_CHARS, UnusableKey, WeakKey};
use keygate::manage::KeyError;
use keygate::{ClientProfile, KeyDigest, KeyRecord, MemoryStore};

use crate::memory_store::{Contents, by_hand, digest, find, key};

#[test]
fn existing_key_is_a_duplicate_for_any_client() {
    let store = MemoryStore::new();
    let key_id = store.insert(key(1), "User 1").unwrap();
    assert_eq!(key_id, KeyRecord::new(digest(1), "User 1").key_id());
    for name in ["User 1", "User 2"] {
        assert_eq!(store.insert(key(1), name), Err(KeyError::Duplicate { key_id }));
        let record = KeyRecord::new(digest(1), name).with_state(KeyState::Disabled);
        assert_eq!(store.insert_record(record), Err(KeyError::Duplicate { key_id }));
    }
    assert_eq!(find(&store, digest(1)).unwrap().profile().name(), "User 1");
}

#[test]
fn another_key_with_the_same_id_is_a_conflict() {
    let store = MemoryStore::new();
    let key_id = store.insert_record(KeyRecord::new(by_hand(7, 0), "User 1")).unwrap();
    let first_tail_byte = {
        let mut bytes = by_hand(7, 0).to_bytes();
        bytes[8] = 1;
        KeyDigest::from_bytes(bytes)
    };
    let last_bit = {
        let mut bytes = by_hand(7, 0).to_bytes();
        bytes[31] = 1;
        KeyDigest::from_bytes(bytes)
    };
    for digest in [by_hand(7, 1), first_tail_byte, last_bit] {
        let conflict = store.insert_record(KeyRecord::new(digest, "User 1"));
        assert_eq!(conflict, Err(KeyError::IdConflict { key_id }));
        assert!(find(&store, digest).is_none());
    }
    store.insert_record(KeyRecord::new(by_hand(6, 0), "User 1")).unwrap();
    store.insert_record(KeyRecord::new(by_hand(8, 0), "User 1")).unwrap();
}

#[test]
fn short_key_is_weak_counted_in_characters() {
    let store = MemoryStore::new();
    let cases = [("k", MIN_KEY_CHARS - 1), ("é", MIN_KEY_CHARS - 1), ("🐦", 4), ("k", 1)];
    for (char, count) in cases {
        assert_eq!(
            store.insert(char.repeat(count), "User 1"),
            Err(KeyError::Weak(WeakKey::Short)),
            "{char}"
        );
    }
    for key in ["sixteen letters.", "séchzéhn zéichén"] {
        assert_eq!(key.chars().count(), MIN_KEY_CHARS);
        assert!(store.insert(key, "User 1").is_ok(), "{key}");
    }
    assert!(store.insert(b"not UTF-8: \xff\xfe\xfd\xfc\xfb", "User 1").is_ok());
}

#[test]
fn key_that_no_request_could_present_is_unusable() {
    let store = MemoryStore::new();
    let cases = [
        (String::new(), UnusableKey::Empty),
        (" ".repeat(20), UnusableKey::Empty),
        ("\t".repeat(20), UnusableKey::Empty),
        ("k".repeat(MAX_KEY_BYTES + 1), UnusableKey::TooLong),
        ("é".repeat(MAX_KEY_BYTES / 2) + "k", UnusableKey::TooLong),
        (key(1) + "\n", UnusableKey::Control),
        (key(1) + "\r" + &key(2), UnusableKey::Control),
        (key(1) + "\0" + &key(2), UnusableKey::Control),
        (key(1) + "\t" + &key(2), UnusableKey::Control),
        (key(1) + "\x7f", UnusableKey::Control),
        (String::from(" ") + &key(1), UnusableKey::OuterBlank),
        (key(1) + " ", UnusableKey::OuterBlank),
    ];
    for (key, reason) in cases {
        let refused = store.insert(&key, "User 1");
        assert_eq!(refused, Err(KeyError::Unusable(reason)), "{}", key.escape_debug());
    }
    assert!(store.insert("key-0123".repeat(MAX_KEY_BYTES / 8), "User 1").is_ok());
    assert!(store.insert(key(1) + " " + &key(2), "User 1").is_ok());
}

#[test]
fn profile_that_breaks_a_rule_is_refused() {
    let store = MemoryStore::new();
    let long = "n".repeat(200);
    let cases = [
        ("", ProfileError::Name(LabelError::Empty)),
        (&long, ProfileError::Name(LabelError::TooLong)),
        ("User\n1", ProfileError::Name(LabelError::Control)),
        ("User 1 ", ProfileError::Name(LabelError::OuterBlank)),
    ];
    for (name, reason) in cases {
        assert_eq!(store.insert(key(1), name), Err(KeyError::Profile(reason)));
        let record = KeyRecord::new(digest(1), name);
        assert_eq!(store.insert_record(record), Err(KeyError::Profile(reason)));
    }
    let crowded = ClientProfile::new("User 1").with_metadata([("k", "v".repeat(5_000))]);
    let refused = store.insert(key(1), crowded);
    assert_eq!(refused, Err(KeyError::Profile(ProfileError::MetadataTooLong)));
    assert!(store.insert(key(1), "User 1").is_ok(), "a refused key can be tried again");
}

#[test]
fn client_of_the_same_name_with_another_profile_is_a_conflict() {
    let store = MemoryStore::new();
    let plain = ClientProfile::new("User 1");
    let detailed = || {
        ClientProfile::new("User 2")
            .with_scopes(["orders:read".parse().unwrap()])
            .with_quota("100/minute".parse().unwrap())
            .with_metadata([("team", "billing")])
    };
    store.insert(key(1), &plain).unwrap();
    store.insert(key(2), detailed()).unwrap();
    let others = [
        plain.with_metadata([("team", "billing")]),
        ClientProfile::new("User 2"),
        detailed().with_scopes([]),
        detailed().with_quota("unlimited".parse().unwrap()),
        detailed().with_metadata([("team", "sales")]),
    ];
    for other in others {
        let name = other.name().to_owned();
        assert_eq!(store.insert(key(3), other), Err(KeyError::ProfileConflict { name }));
    }
    store.insert(key(3), detailed()).unwrap();
    assert_eq!(find(&store, digest(3)).unwrap().profile(), &detailed());
}

#[test]
fn refused_key_leaves_the_store_unchanged() {
    let store = MemoryStore::new();
    store.insert(key(1), "User 1").unwrap();
    let revoked = store.insert(key(2), "User 2").unwrap();
    store.revoke(&revoked).unwrap();
    let same_id = {
        let mut bytes = digest(1).to_bytes();
        bytes[31] ^= 1;
        KeyDigest::from_bytes(bytes)
    };
    let short = KeyDigest::of(b"short");
    let contents = || Contents::of(&store, [digest(1), digest(2), digest(3), same_id, short]);
    let before = contents();

    let detailed = ClientProfile::new("User 1").with_metadata([("team", "billing")]);
    let refused = [
        store.insert(key(1), "User 3"),
        store.insert(key(2), "User 3"),
        store.insert("short", "User 3"),
        store.insert(key(3) + "\n", "User 3"),
        store.insert(key(3), "User\n3"),
        store.insert(key(3), &detailed),
        store.insert_record(KeyRecord::new(same_id, "User 3")),
        store.insert_record(KeyRecord::new(digest(2), "User 3")),
        store.insert_record(KeyRecord::new(digest(1), "User 3").with_state(KeyState::Revoked)),
    ];
    for response in refused {
        assert!(response.is_err(), "{response:?}");
    }
    assert_eq!(contents(), before);
}

#[test]
fn invisible_characters_are_refused_in_keys_and_names() {
    let store = MemoryStore::new();
    for char in ['\u{200b}', '\u{a0}', '\u{feff}'] {
        let Err(KeyError::Unusable(UnusableKey::Invisible(found))) =
            store.insert(key(1) + &String::from(char) + &key(2), "User 1")
        else {
            panic!("{char:?}")
        };
        assert_eq!((found.character, found.position), (char, key(1).len() + 1));
    }
    let refused = store.insert(key(1), "User\u{200e}");
    let Err(KeyError::Profile(ProfileError::Name(LabelError::Invisible(found)))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((found.character, found.position), ('\u{200e}', 5));
    assert!(store.is_empty());
}

#[test]
fn texts_that_are_not_secrets_are_refused() {
    let cases = [
        ("${ACME_API_KEY_1}", WeakKey::Template),
        ("$env://ACME_API_KEY", WeakKey::Template),
        ("{{ .Values.key_1 }}", WeakKey::Template),
        ("<your-api-key-123>", WeakKey::Template),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", WeakKey::Sequence),
        ("1234567890123456", WeakKey::Sequence),
        ("abcabcabcabcabcabcabc", WeakKey::FewCharacters),
    ];
    for (key, why) in cases {
        let error = KeyError::Weak(why);
        assert_eq!(MemoryStore::new().insert(key, "User 1"), Err(error.clone()), "{key}");
        let refused = MemoryStore::from_keys([(key, "User 1")]).unwrap_err();
        assert_eq!((refused.index, refused.error), (0, error), "{key}");
    }
}
