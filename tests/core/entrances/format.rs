//! Keys that are to have the form of generated ones.

use http::Request;
use keygate::error::ConfigError;
use keygate::key::{KEY_PATTERN, KeyFormat};
use keygate::{
    ApiKey, AuthError, Authenticator, KeyDigest, KeyRecord, LocalKeyStore, MemoryStore, NewKey,
    Source, StoreError, WrongReason,
};
use regex::Regex;

const KEY_OF_SOMEBODY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

/// A store that nobody is to ask.
struct Unasked;

impl LocalKeyStore for Unasked {
    fn find(&self, _: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        panic!("the store was asked for a key that is malformed");
    }
}

fn requests(key: &str) -> Vec<(Source, Request<()>)> {
    let get = || Request::builder().uri("/");
    let requests = [
        (Source::header("x-api-key"), get().header("x-api-key", key)),
        (Source::bearer(), get().header("authorization", format!("Bearer {key}"))),
        (Source::scheme("ApiKey"), get().header("authorization", format!("ApiKey {key}"))),
        (Source::cookie("key"), get().header("cookie", format!("a=b; key={key}"))),
        (Source::query("key"), Request::builder().uri(format!("/?a=b&key={key}"))),
    ];
    requests.into_iter().map(|(source, request)| (source, request.body(()).unwrap())).collect()
}

#[test]
fn malformed_key_is_refused_from_every_source_without_lookup() {
    let other = ApiKey::generate("other").unwrap();
    let key = ApiKey::generate("acme").unwrap();
    let (cut, _) = key.expose().split_at(key.expose().len() - 1);
    for malformed in [KEY_OF_SOMEBODY, other.expose(), cut, "acme_", "acme"] {
        for (source, request) in requests(malformed) {
            let auth = Authenticator::new(Unasked).require_format("acme").unwrap();
            // The format stays when sources are replaced.
            let auth = auth.with_sources_in_parts([source]).unwrap();
            let refused = auth.verify_parts(&request.into_parts().0).unwrap_err();
            assert_eq!((refused.reason(), refused.key_id()), (Some(WrongReason::Malformed), None));
        }
        let auth = Authenticator::new(Unasked).require_format("acme").unwrap();
        let refused = auth.verify_key(malformed.as_bytes()).unwrap_err();
        assert_eq!(refused.reason(), Some(WrongReason::Malformed));
    }
    let auth = Authenticator::new(Unasked).require_format("acme").unwrap();
    assert!(matches!(auth.verify_key(b" "), Err(AuthError::NoCredentials)));
}

#[test]
fn well_formed_key_is_looked_up() {
    let store = MemoryStore::from_keys([(KEY_OF_SOMEBODY, "User 1")]).unwrap();
    let key = ApiKey::generate("acme").unwrap();
    store.issue("User 1", NewKey::from(&key)).unwrap();
    for (source, request) in requests(key.expose()) {
        let auth = Authenticator::new(store.clone()).with_sources_in_parts([source]).unwrap();
        let auth = auth.require_format("acme").unwrap();
        assert_eq!(auth.verify_parts(&request.into_parts().0).unwrap().key_id(), key.key_id());
    }
    // One that was made elsewhere does not have the form, though the store knows it.
    let auth = Authenticator::new(store).require_format("acme").unwrap();
    let refused = auth.verify_key(KEY_OF_SOMEBODY.as_bytes()).unwrap_err();
    assert_eq!(refused.reason(), Some(WrongReason::Malformed));
}

#[test]
fn prefix_that_no_key_has_is_an_error_from_the_beginning() {
    for prefix in ["", "Acme", "a_b", KEY_OF_SOMEBODY] {
        let refused = Authenticator::new(Unasked).require_format(prefix).map(|_| ());
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
    for other in
        [KEY_OF_SOMEBODY, hash, "some_function_name_that_is_rather_long_and_goes_on_for_ever"]
    {
        assert!(!pattern.is_match(other), "{other}");
    }
}
