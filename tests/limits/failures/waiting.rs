//! Throttled failures cause no lookups in a store that waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keygate::{AuthError, Authenticator, Client, KeyDigest, WrongReason};

use keygate::testing::FakeClock;

use crate::clock::fake_clock;
use crate::common::keys::{REVOKED, RIGHT, RIGHT_TOO, UNANSWERABLE, WRONG};
use crate::common::polling::poll_once;
use crate::failures::fixture::{
    Counting, ELSEWHERE, HOME, Waits, exhaust, guarded, guess, is_right, parts, throttle, wait,
    wait_for,
};

struct Fixture {
    store: Counting,
    clock: FakeClock,
    auth: Authenticator<Arc<Counting>>,
}

impl Fixture {
    fn new(waits: Waits) -> Self {
        let store = Counting::new(waits);
        let clock = fake_clock();
        let auth = guarded(Arc::new(store.clone())).throttle_failures(throttle());
        Self { store, auth: auth.with_clock(clock.reader()), clock }
    }

    fn attempt(&self, key: &str, from: &str) -> Result<Client, AuthError> {
        wait_for(self.auth.authenticate_parts(&parts(key, from)))
    }
}

#[test]
fn over_the_limit_only_verified_keys_are_looked_up() {
    let fixture = Fixture::new(Waits::Always);
    assert!(is_right(&fixture.attempt(RIGHT, ELSEWHERE)));
    assert_eq!(exhaust(|guess| fixture.attempt(guess, HOME)), 3);
    assert_eq!(fixture.store.take(), (4, 4));
    for number in 0..100 {
        assert!(wait(fixture.attempt(&guess(number), HOME)).is_some());
        assert!(wait(fixture.attempt(REVOKED, HOME)).is_some());
    }
    assert_eq!(fixture.store.take(), (0, 0));
    for _ in 0..100 {
        assert!(is_right(&fixture.attempt(RIGHT, HOME)));
    }
    assert_eq!(fixture.store.take(), (100, 100));
    // A valid key that was never verified has to wait, too.
    let left = wait(fixture.attempt(RIGHT_TOO, HOME)).unwrap();
    assert!(fixture.attempt(RIGHT_TOO, ELSEWHERE).is_ok());
    fixture.clock.advance(left);
    assert!(fixture.attempt(RIGHT_TOO, HOME).is_ok());
}

#[test]
fn remembered_key_is_forgotten_once_revoked() {
    let fixture = Fixture::new(Waits::Always);
    let key = "kg-remembered-5WgbpUq2vZkZ0pkQU9R5Wgbp";
    fixture.store.keys.insert(key, "User 3").unwrap();
    assert!(fixture.attempt(key, HOME).is_ok());
    assert_eq!(exhaust(|guess| fixture.attempt(guess, HOME)), 3);
    assert!(fixture.attempt(key, HOME).is_ok());

    let id = keygate::KeyRecord::new(KeyDigest::of(key.as_bytes()), "").key_id();
    fixture.store.keys.revoke(&id).unwrap();
    fixture.store.take();
    assert!(fixture.attempt(key, HOME).is_err());
    assert_eq!(fixture.store.take(), (1, 1), "the store has refused it");
    assert!(wait(fixture.attempt(key, HOME)).is_some());
    assert_eq!(fixture.store.take(), (0, 0), "and is not used again");
    assert_eq!(fixture.attempt(key, ELSEWHERE).unwrap_err().reason(), Some(WrongReason::Revoked));
}

#[test]
fn key_is_remembered_for_a_day() {
    let fixture = Fixture::new(Waits::Always);
    let hour = Duration::from_secs(3_600);
    assert!(fixture.attempt(RIGHT, HOME).is_ok());
    fixture.clock.advance(23 * hour);
    assert_eq!(exhaust(|guess| fixture.attempt(guess, HOME)), 3);
    assert!(is_right(&fixture.attempt(RIGHT, HOME)));
    fixture.clock.advance(24 * hour);
    assert_eq!(exhaust(|guess| fixture.attempt(guess, HOME)), 3);
    assert!(wait(fixture.attempt(RIGHT, HOME)).is_some());
}

#[test]
fn over_the_limit_only_ready_results_are_used() {
    let fixture = Fixture::new(Waits::ForUnknown);
    assert!(fixture.attempt(RIGHT_TOO, HOME).is_ok());
    assert_eq!(exhaust(|guess| fixture.attempt(guess, HOME)), 3);
    assert_eq!(fixture.store.take().1, 3);
    // Never verified so far.
    assert!(is_right(&fixture.attempt(RIGHT, HOME)));
    assert!(wait(fixture.attempt(WRONG, HOME)).is_some());
    assert!(wait(fixture.attempt(REVOKED, HOME)).is_some());
    assert_eq!(fixture.store.take(), (3, 0));
}

/// A key that was verified by a cache is remembered like one that was verified by the database.
#[test]
fn key_found_in_a_cache_stays_known_after_its_eviction() {
    let forgotten = Arc::new(AtomicBool::new(false));
    let fixture = Fixture::new(Waits::OnceForgotten(Arc::clone(&forgotten)));
    let revoked = "kg-remembered-5WgbpUq2vZkZ0pkQU9R5Wgbp";
    fixture.store.keys.insert(revoked, "User 3").unwrap();
    assert!(is_right(&fixture.attempt(RIGHT, ELSEWHERE)));
    assert_eq!(exhaust(|guess| fixture.attempt(guess, HOME)), 3);
    assert!(is_right(&fixture.attempt(RIGHT, HOME)));
    assert!(fixture.attempt(revoked, HOME).is_ok());
    let id = keygate::KeyRecord::new(KeyDigest::of(revoked.as_bytes()), "").key_id();
    fixture.store.keys.revoke(&id).unwrap();
    assert!(fixture.attempt(revoked, HOME).is_err());

    forgotten.store(true, Ordering::SeqCst);
    fixture.store.take();
    assert!(is_right(&fixture.attempt(RIGHT, HOME)));
    assert!(wait(fixture.attempt(revoked, HOME)).is_some());
    assert_eq!(fixture.store.take().1, 1, "the refused key is not looked up");
}

#[test]
fn many_right_keys_from_one_address_are_admitted_after_a_start() {
    let fixture = Fixture::new(Waits::Always);
    let keys: Vec<_> = (0..100).map(guess).collect();
    for (number, key) in keys.iter().enumerate() {
        fixture.store.keys.insert(key, format!("User {number}").as_str()).unwrap();
    }
    let pending = keys.iter().map(|key| fixture.auth.authenticate_parts(&parts(key, HOME)));
    let pending: Vec<_> = pending.collect();
    assert!(pending.into_iter().all(|pending| wait_for(pending).is_ok()));
}

#[test]
fn concurrent_lookups_are_all_counted() {
    let fixture = Fixture::new(Waits::Always);
    let pending =
        (0..8).map(|number| fixture.auth.authenticate_parts(&parts(&guess(number), HOME)));
    let mut all: Vec<_> = pending.map(Box::pin).collect();
    for pending in &mut all {
        assert!(poll_once(pending.as_mut()).is_pending());
    }
    let throttled = all.into_iter().filter_map(|pending| wait(wait_for(pending))).count();
    assert_eq!(throttled, 5);
    assert_eq!(fixture.store.take(), (8, 8));
    // Eight failures and a burst of three: five are owed, and one more must be earned.
    assert_eq!(wait(fixture.attempt(WRONG, HOME)), Some(Duration::from_secs(6 * 6)));
    fixture.clock.advance(Duration::from_secs(36));
    assert_eq!(fixture.attempt(WRONG, HOME).unwrap_err().reason(), Some(WrongReason::Unknown));
}

#[test]
fn abandoned_lookups_do_not_count() {
    let fixture = Fixture::new(Waits::Always);
    for number in 0..100 {
        let request = parts(&guess(number), HOME);
        let mut pending = Box::pin(fixture.auth.authenticate_parts(&request));
        assert!(poll_once(pending.as_mut()).is_pending());
    }
    assert_eq!(fixture.store.take(), (100, 100));
    assert_eq!(exhaust(|guess| fixture.attempt(guess, HOME)), 3);
}

#[test]
fn store_errors_and_malformed_keys_count_as_with_local_stores() {
    let fixture = Fixture::new(Waits::Always);
    for _ in 0..100 {
        assert!(matches!(fixture.attempt(UNANSWERABLE, HOME), Err(AuthError::Unavailable(_))));
    }
    let long = "k".repeat(10_000);
    assert_eq!(exhaust(|_| fixture.attempt(&long, HOME)), 3);
    assert_eq!(fixture.store.take(), (100, 100));
    assert!(wait(fixture.attempt(RIGHT, HOME)).is_some());
    assert_eq!(fixture.store.take(), (0, 0));
}

#[test]
fn malformed_keys_do_not_block_right_keys() {
    let auth = guarded(crate::common::keys::Keys).throttle_failures(throttle());
    let auth = auth.with_clock(fake_clock().reader());
    let long = "k".repeat(10_000);
    assert_eq!(exhaust(|_| wait_for(auth.authenticate_parts(&parts(&long, HOME)))), 3);
    assert!(is_right(&wait_for(auth.authenticate_parts(&parts(RIGHT, HOME)))));
}
