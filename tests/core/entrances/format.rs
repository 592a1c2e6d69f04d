//! Keys that must have the form of generated keys.

use keygate::error::ConfigError;
use keygate::key::{KEY_PATTERN, KeyFormat};
use keygate::{
    ApiKey, AuthError, Authenticator, KeyDigest, KeyRecord, LocalKeyStore, MemoryStore, NewKey,
    StoreError, WrongReason,
};
use regex::Regex;

use crate::common::sources::all;

const OTHER_KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

/// A store that must not be used.
struct Unused;

impl LocalKeyStore for Unused {
    fn find(&self, _: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        panic!("a malformed key was looked up");
    }
}

#[test]
fn malformed_key_is_refused_without_a_lookup() {
    let other = ApiKey::generate("other").unwrap();
    let key = ApiKey::generate("acme").unwrap();
    let (cut, _) = key.expose().split_at(key.expose().len() - 1);
    for malformed in [OTHER_KEY, other.expose(), cut, "acme_", "acme"] {
        for case in all() {
            let request = case.request(malformed.as_bytes());
            let auth = Authenticator::new(Unused).require_format("acme").unwrap();
            // The format stays when sources are replaced.
            let auth = auth.with_sources_in_parts([case.source]).unwrap();
            let refused = auth.verify_parts(&request.into_parts().0).unwrap_err();
            assert_eq!((refused.reason(), refused.key_id()), (Some(WrongReason::Malformed), None));
        }
        let auth = Authenticator::new(Unused).require_format("acme").unwrap();
        let refused = auth.verify_key(malformed.as_bytes()).unwrap_err();
        assert_eq!(refused.reason(), Some(WrongReason::Malformed));
    }
    let auth = Authenticator::new(Unused).require_format("acme").unwrap();
    assert!(matches!(auth.verify_key(b" "), Err(AuthError::NoCredentials)));
}

#[test]
fn well_formed_key_is_looked_up() {
    let store = MemoryStore::from_keys([(OTHER_KEY, "User 1")]).unwrap();
    let key = ApiKey::generate("acme").unwrap();
    store.issue("User 1", NewKey::from(&key)).unwrap();
    for case in all() {
        let request = case.request(key.expose().as_bytes());
        let auth = Authenticator::new(store.clone()).with_sources_in_parts([case.source]).unwrap();
        let auth = auth.require_format("acme").unwrap();
        assert_eq!(auth.verify_parts(&request.into_parts().0).unwrap().key_id(), key.key_id());
    }
    // A key of another form is refused, although the store knows it.
    let auth = Authenticator::new(store).require_format("acme").unwrap();
    let refused = auth.verify_key(OTHER_KEY.as_bytes()).unwrap_err();
    assert_eq!(refused.reason(), Some(WrongReason::Malformed));
}

#[test]
fn invalid_prefix_is_an_error_when_it_is_configured() {
    for prefix in ["", "Acme", "a_b", OTHER_KEY] {
        let refused = Authenticator::new(Unused).require_format(prefix).map(|_| ());
        assert_eq!(refused, Err(ConfigError::Prefix));
    }
}

#[test]
fn scanners_find_generated_keys_and_little_else() {
    let pattern = Regex::new(KEY_PATTERN).unwrap();
    for prefix in ["kg", "a", "acmelive", "a1234567890bcdef"] {
        for _ in 0..200 {
            let key = ApiKey::generate(prefix).unwrap();
            let text = format!("let key = \"{}\"; // and so on", key.expose());
            let found = pattern.find(&text).map(|found| found.as_str());
            assert_eq!(found, Some(key.expose()));
            assert!(KeyFormat::new(prefix).unwrap().matches(found.unwrap().as_bytes()));
        }
    }
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for other in [OTHER_KEY, hash, "some_function_name_that_is_rather_long_and_goes_on_for_ever"] {
        assert!(!pattern.is_match(other), "{other}");
    }
}
