//! Throttled failures save a store that waits from lookups.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keygate::{AuthError, Authenticator, Client, KeyDigest, WrongReason};

use keygate::testing::FakeClock;

use crate::clock::fake_clock;
use crate::common::keys::{REVOKED, RIGHT, RIGHT_TOO, UNANSWERABLE, WRONG};
use crate::common::polling::poll_once;
use crate::failures::fixture::{
    Counting, ELSEWHERE, HOME, Waits, exhaust, guess, is_right, parts, throttle, wait, wait_for,
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
        let auth = Authenticator::new(Arc::new(store.clone())).throttle_failures(throttle());
        Self { store, auth: auth.with_clock(clock.reader()), clock }
    }

    fn ask(&self, key: &str, from: &str) -> Result<Client, AuthError> {
        wait_for(self.auth.authenticate_parts(&parts(key, from)))
    }
}

#[test]
fn over_the_limit_only_verified_keys_are_looked_up() {
    let fixture = Fixture::new(Waits::Always);
    assert!(is_right(&fixture.ask(RIGHT, ELSEWHERE)));
    assert_eq!(exhaust(|guess| fixture.ask(guess, HOME)), 3);
    assert_eq!(fixture.store.take(), (4, 4));
    for number in 0..100 {
        assert!(wait(fixture.ask(&guess(number), HOME)).is_some());
        assert!(wait(fixture.ask(REVOKED, HOME)).is_some());
    }
    assert_eq!(fixture.store.take(), (0, 0));
    for _ in 0..100 {
        assert!(is_right(&fixture.ask(RIGHT, HOME)));
    }
    assert_eq!(fixture.store.take(), (100, 100));
    // A valid key that was never verified has to wait, too.
    let left = wait(fixture.ask(RIGHT_TOO, HOME)).unwrap();
    assert!(fixture.ask(RIGHT_TOO, ELSEWHERE).is_ok());
    fixture.clock.advance(left);
    assert!(fixture.ask(RIGHT_TOO, HOME).is_ok());
}

#[test]
fn remembered_key_is_refused_and_forgotten_once_revoked() {
    let fixture = Fixture::new(Waits::Always);
    let key = "kg-remembered-5WgbpUq2vZkZ0pkQU9R5Wgbp";
    fixture.store.keys.insert(key, "User 3").unwrap();
    assert!(fixture.ask(key, HOME).is_ok());
    assert_eq!(exhaust(|guess| fixture.ask(guess, HOME)), 3);
    assert!(fixture.ask(key, HOME).is_ok());

    let id = keygate::KeyRecord::new(KeyDigest::of(key.as_bytes()), "").key_id();
    fixture.store.keys.revoke(&id).unwrap();
    fixture.store.take();
    assert!(fixture.ask(key, HOME).is_err());
    assert_eq!(fixture.store.take(), (1, 1), "the store has refused it");
    assert!(wait(fixture.ask(key, HOME)).is_some());
    assert_eq!(fixture.store.take(), (0, 0), "and it is not asked again");
    assert_eq!(fixture.ask(key, ELSEWHERE).unwrap_err().reason(), Some(WrongReason::Revoked));
}

#[test]
fn key_is_remembered_for_a_day() {
    let fixture = Fixture::new(Waits::Always);
    let hour = Duration::from_secs(3_600);
    assert!(fixture.ask(RIGHT, HOME).is_ok());
    fixture.clock.advance(23 * hour);
    assert_eq!(exhaust(|guess| fixture.ask(guess, HOME)), 3);
    assert!(is_right(&fixture.ask(RIGHT, HOME)));
    fixture.clock.advance(24 * hour);
    assert_eq!(exhaust(|guess| fixture.ask(guess, HOME)), 3);
    assert!(wait(fixture.ask(RIGHT, HOME)).is_some());
}

#[test]
fn over_the_limit_only_immediate_responses_of_a_store_count() {
    let fixture = Fixture::new(Waits::ForUnknown);
    assert!(fixture.ask(RIGHT_TOO, HOME).is_ok());
    assert_eq!(exhaust(|guess| fixture.ask(guess, HOME)), 3);
    assert_eq!(fixture.store.take().1, 3);
    // Never verified so far.
    assert!(is_right(&fixture.ask(RIGHT, HOME)));
    assert!(wait(fixture.ask(WRONG, HOME)).is_some());
    assert!(wait(fixture.ask(REVOKED, HOME)).is_some());
    assert_eq!(fixture.store.take(), (3, 0));
}

/// What a cache says of a key is as good as what the database says.
#[test]
fn key_found_in_a_cache_stays_known_after_its_eviction() {
    let forgotten = Arc::new(AtomicBool::new(false));
    let fixture = Fixture::new(Waits::OnceForgotten(Arc::clone(&forgotten)));
    let revoked = "kg-remembered-5WgbpUq2vZkZ0pkQU9R5Wgbp";
    fixture.store.keys.insert(revoked, "User 3").unwrap();
    assert!(is_right(&fixture.ask(RIGHT, ELSEWHERE)));
    assert_eq!(exhaust(|guess| fixture.ask(guess, HOME)), 3);
    assert!(is_right(&fixture.ask(RIGHT, HOME)));
    assert!(fixture.ask(revoked, HOME).is_ok());
    let id = keygate::KeyRecord::new(KeyDigest::of(revoked.as_bytes()), "").key_id();
    fixture.store.keys.revoke(&id).unwrap();
    assert!(fixture.ask(revoked, HOME).is_err());

    forgotten.store(true, Ordering::SeqCst);
    fixture.store.take();
    assert!(is_right(&fixture.ask(RIGHT, HOME)));
    assert!(wait(fixture.ask(revoked, HOME)).is_some());
    assert_eq!(fixture.store.take().1, 1, "of the one that was refused, nobody asks");
}

#[test]
fn many_right_keys_from_one_address_are_admitted_after_a_start() {
    let fixture = Fixture::new(Waits::Always);
    let keys: Vec<_> = (0..100).map(guess).collect();
    for (number, key) in keys.iter().enumerate() {
        fixture.store.keys.insert(key, format!("User {number}").as_str()).unwrap();
    }
    let asked = keys.iter().map(|key| fixture.auth.authenticate_parts(&parts(key, HOME)));
    let asked: Vec<_> = asked.collect();
    assert!(asked.into_iter().all(|answer| wait_for(answer).is_ok()));
}

#[test]
fn keys_that_are_looked_up_side_by_side_are_all_counted() {
    let fixture = Fixture::new(Waits::Always);
    let asked = (0..8).map(|number| fixture.auth.authenticate_parts(&parts(&guess(number), HOME)));
    let mut asked: Vec<_> = asked.map(Box::pin).collect();
    for answer in &mut asked {
        assert!(poll_once(answer.as_mut()).is_pending());
    }
    let throttled = asked.into_iter().filter_map(|answer| wait(wait_for(answer))).count();
    assert_eq!(throttled, 5);
    assert_eq!(fixture.store.take(), (8, 8));
    // Eight were looked up, of which the burst is three: five more are owed, and one to be earned.
    assert_eq!(wait(fixture.ask(WRONG, HOME)), Some(Duration::from_secs(6 * 6)));
    fixture.clock.advance(Duration::from_secs(36));
    assert_eq!(fixture.ask(WRONG, HOME).unwrap_err().reason(), Some(WrongReason::Unknown));
}

#[test]
fn lookups_that_are_given_up_are_no_failures() {
    let fixture = Fixture::new(Waits::Always);
    for number in 0..100 {
        let request = parts(&guess(number), HOME);
        let mut asked = Box::pin(fixture.auth.authenticate_parts(&request));
        assert!(poll_once(asked.as_mut()).is_pending());
    }
    assert_eq!(fixture.store.take(), (100, 100));
    assert_eq!(exhaust(|guess| fixture.ask(guess, HOME)), 3);
}

#[test]
fn store_errors_and_malformed_keys_count_as_with_local_stores() {
    let fixture = Fixture::new(Waits::Always);
    for _ in 0..100 {
        assert!(matches!(fixture.ask(UNANSWERABLE, HOME), Err(AuthError::Unavailable(_))));
    }
    let long = "k".repeat(10_000);
    assert_eq!(exhaust(|_| fixture.ask(&long, HOME)), 3);
    assert_eq!(fixture.store.take(), (100, 100));
    assert!(wait(fixture.ask(RIGHT, HOME)).is_some());
    assert_eq!(fixture.store.take(), (0, 0));
}

#[test]
fn malformed_keys_do_not_block_right_ones_of_an_unused_store() {
    let auth = Authenticator::new(crate::common::keys::Keys).throttle_failures(throttle());
    let auth = auth.with_clock(fake_clock().reader());
    let long = "k".repeat(10_000);
    assert_eq!(exhaust(|_| wait_for(auth.authenticate_parts(&parts(&long, HOME)))), 3);
    assert!(is_right(&wait_for(auth.authenticate_parts(&parts(RIGHT, HOME)))));
}
