//! Keys of tests, named by letters.

use keygate::{KeyDigest, KeyId, KeyRecord, NewKey};

/// The key with this letter.
pub(crate) fn key(letter: char) -> String {
    format!("key-for-tests-{letter}-08zEk8IC0le3I0kPwSF1g4XU9R5Wgb")
}

pub(crate) fn digest(letter: char) -> KeyDigest {
    KeyDigest::of(key(letter).as_bytes())
}

pub(crate) fn id(letter: char) -> KeyId {
    KeyRecord::new(digest(letter), "").key_id()
}

pub(crate) fn new(letter: char) -> NewKey {
    NewKey::new(digest(letter))
}
