//! One key of every kind, and a store with them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::key::{KeyState, Lifetime};
use keygate::{AuthError, Client, KeyDigest, KeyId, KeyRecord, LocalKeyStore, StoreError, verify};

pub(crate) const RIGHT: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
pub(crate) const RIGHT_TOO: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM";
pub(crate) const RIGHT_NON_ASCII: &str = "schlüssel-mit-umlauten-äöü";
pub(crate) const WRONG: &str = "Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU";
/// Expired long ago, whatever the clock.
pub(crate) const EXPIRED: &str = "expired-Yq3vZkZ0pkQU9R5WgbpUq2vZkZ0";
/// Expires at [`end`].
pub(crate) const EXPIRING: &str = "expiring-XU9R5WgbpUq2vZkZ0pkQU9R5";
/// Begins to work at [`end`].
pub(crate) const BEGINNING: &str = "beginning-9R5WgbpUq2vZkZ0pkQU9XU";
pub(crate) const REVOKED: &str = "revoked-kPwSF1g4XU9R5WgbpUq2vZkZ0pk";
pub(crate) const DISABLED: &str = "disabled-3I0kPwSF1g4XU9R5WgbpUq2vZ";
/// The store fails to look up this key.
pub(crate) const UNANSWERABLE: &str = "unanswerable-0le3I0kPwSF1g4XU9R5Wgb";
/// The store returns the record of [`RIGHT`] for this key.
pub(crate) const MIXED_UP: &str = "mixed-up-zEk8IC0le3I0kPwSF1g4XU9R5";

/// The instant at which [`EXPIRING`] expires and [`BEGINNING`] begins, in the year 2100.
pub(crate) fn end() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(4_102_444_800)
}

/// Holds a key of each kind.
#[derive(Clone, Copy)]
pub(crate) struct Keys;

impl LocalKeyStore for Keys {
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        let is = |key: &str| *digest == KeyDigest::of(key.as_bytes());
        let record = |name: &str| KeyRecord::new(*digest, name);
        Ok(Some(match () {
            () if is(RIGHT) => record("User 1"),
            () if is(RIGHT_TOO) => record("User 2"),
            () if is(RIGHT_NON_ASCII) => record("Größe 1"),
            () if is(EXPIRED) => record("Expired").with_expiry(UNIX_EPOCH + Duration::from_secs(1)),
            () if is(EXPIRING) => record("Expiring").with_expiry(end()),
            () if is(BEGINNING) => {
                record("Beginning").with_lifetime(Lifetime::default().with_not_before(end()))
            }
            () if is(REVOKED) => record("Revoked").with_state(KeyState::Revoked),
            () if is(DISABLED) => record("Disabled").with_state(KeyState::Disabled),
            () if is(UNANSWERABLE) => {
                return Err(StoreError::new("connection refused: db.internal"));
            }
            () if is(MIXED_UP) => KeyRecord::new(KeyDigest::of(RIGHT.as_bytes()), "User 1"),
            () => return Ok(None),
        }))
    }
}

pub(crate) fn id_of(key: &str) -> KeyId {
    KeyRecord::new(KeyDigest::of(key.as_bytes()), "").key_id()
}

/// A verified client.
pub(crate) fn client_of(key: &str) -> Client {
    verify(&Keys, &header(key)).unwrap()
}

/// The error of this key.
pub(crate) fn refusal_of(key: &str) -> AuthError {
    verify(&Keys, &header(key)).unwrap_err()
}

fn header(key: &str) -> http::HeaderMap {
    http::HeaderMap::from_iter([(http::HeaderName::from_static("x-api-key"), key.parse().unwrap())])
}
