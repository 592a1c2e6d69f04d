//! Copies of keys are overwritten before their memory is freed.

use std::collections::HashMap;

use keygate::{ApiKeys, Keys, MemoryStore, YamlStore};
use serde::Deserialize;
use serde::de::value::{Error, MapDeserializer};

use crate::allocator::freed_with;

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

#[test]
fn freed_copies_are_found() {
    assert_eq!(freed_with(KEY.as_bytes(), || drop(KEY.to_owned())), 1);
    let grown = freed_with(KEY.as_bytes(), || {
        let mut text = KEY.to_owned();
        text.reserve(4_096);
        // With other first bytes, the new block no longer contains the key.
        text.replace_range(..8, "........");
    });
    assert_eq!(grown, 1);
    assert_eq!(freed_with(KEY.as_bytes(), || drop(vec![0; 64])), 0);
}

/// Reads keys like a format that passes owned texts.
fn load<T: for<'de> Deserialize<'de>>(entries: Vec<(String, String)>) -> T {
    let map = MapDeserializer::<_, Error>::new(entries.into_iter());
    T::deserialize(map).expect("keys never fail to deserialize")
}

#[test]
fn owned_texts_of_a_format_are_overwritten() {
    for name in ["User 1", ""] {
        let found = freed_with(KEY.as_bytes(), || {
            let keys: ApiKeys = load(vec![(KEY.to_owned(), name.to_owned())]);
            assert_eq!(MemoryStore::try_from(keys).is_ok(), !name.is_empty());
        });
        assert_eq!(found, 0, "a copy of the key is left");
    }
}

#[test]
fn texts_that_a_section_copies_are_overwritten() {
    let found = freed_with(KEY.as_bytes(), || {
        let keys: Keys = load(vec![("api_key".to_owned(), KEY.to_owned())]);
        assert_eq!(MemoryStore::try_from(keys).unwrap().len(), 1);
        let borrowed = HashMap::from([("api_keys", HashMap::from([(KEY, "User 1")]))]);
        let borrowed = MapDeserializer::<_, Error>::new(borrowed.into_iter());
        let keys = Keys::deserialize(borrowed).unwrap();
        assert_eq!(MemoryStore::try_from(keys).unwrap().len(), 1);
        // One entry is refused, so the whole section is.
        let keys: Keys = load(vec![(KEY.to_owned(), KEY.to_owned())]);
        assert!(MemoryStore::try_from(keys).is_err());
    });
    assert_eq!(found, 0, "a copy of the key is left");
}

#[test]
fn text_of_a_key_file_is_overwritten() {
    // Larger than the initial buffer, so that the buffer must grow.
    let comment = "# a comment\n".repeat(4_000);
    let texts = [
        format!("{comment}api_keys:\n  {KEY}: User 1\n{comment}"),
        format!("api_keys:\n  \"{KEY}\": User 1\n"),
        format!("api_keys:\n  {KEY}: User 1\n  {KEY}: User 2\n"),
    ];
    let found = freed_with(KEY.as_bytes(), || {
        for text in &texts {
            let _ = YamlStore::from_reader(text.as_bytes());
        }
    });
    assert_eq!(found, 0, "a copy of the key is left");
}
