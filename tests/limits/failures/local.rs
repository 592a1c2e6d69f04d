//! Failures with a store that does not wait.

use std::time::Duration;

use http::HeaderMap;
use keygate::error::Misconfiguration;
use keygate::limit::FailureThrottle;
use keygate::{AuthError, MemoryStore, WrongReason};

use crate::clock::fake_clock;
use crate::common::keys::{Keys, MIXED_UP, RIGHT, RIGHT_TOO, UNANSWERABLE, WRONG};
use crate::failures::fixture::{
    ELSEWHERE, HOME, exhaust, guarded, is_right, parts, rate, throttle, wait,
};

#[test]
fn only_wrong_keys_of_one_address_are_throttled() {
    let auth = guarded(Keys).throttle_failures(throttle()).with_clock(fake_clock().reader());
    let attempt = |key: &str, from: &str| auth.verify_parts(&parts(key, from));
    assert_eq!(exhaust(|guess| attempt(guess, HOME)), 3);
    for _ in 0..100 {
        assert!(wait(attempt(WRONG, HOME)).is_some());
        assert!(is_right(&attempt(RIGHT, HOME)));
        assert!(attempt(RIGHT_TOO, HOME).is_ok());
    }
    assert_eq!(exhaust(|guess| attempt(guess, ELSEWHERE)), 3);
}

#[test]
fn wrong_key_is_401_again_after_retry_after_and_not_before() {
    let clock = fake_clock();
    let auth = guarded(Keys).throttle_failures(throttle()).with_clock(clock.reader());
    let attempt = || auth.verify_parts(&parts(WRONG, HOME));
    assert_eq!(exhaust(|_| attempt()), 3);
    for _ in 0..10 {
        let left = wait(attempt()).unwrap();
        assert_eq!(left, Duration::from_secs(6));
        clock.advance(Duration::from_secs(5));
        assert_eq!(wait(attempt()), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(attempt().unwrap_err().reason(), Some(WrongReason::Unknown));
    }
    // Throttled wrong keys did not extend the wait.
    clock.advance(Duration::from_secs(18));
    assert_eq!(exhaust(|_| attempt()), 3);
}

#[test]
fn default_is_twenty_at_once_and_ten_a_minute() {
    let clock = fake_clock();
    let auth = guarded(MemoryStore::new())
        .throttle_failures(FailureThrottle::new())
        .with_clock(clock.reader());
    let attempt = |guess: &str| auth.verify_parts(&parts(guess, HOME));
    assert_eq!(exhaust(attempt), 20);
    clock.advance(Duration::from_secs(60));
    assert_eq!(exhaust(attempt), 10);
}

#[test]
fn missing_keys_and_store_errors_do_not_count() {
    let auth = guarded(Keys).throttle_failures(throttle()).with_clock(fake_clock().reader());
    let attempt = |key: &str| auth.verify_parts(&parts(key, HOME));
    for _ in 0..100 {
        let mut missing = parts("", HOME);
        missing.headers = HeaderMap::new();
        assert!(matches!(auth.verify_parts(&missing), Err(AuthError::NoCredentials)));
        assert!(matches!(attempt(" "), Err(AuthError::NoCredentials)));
        assert!(matches!(attempt(UNANSWERABLE), Err(AuthError::Unavailable(_))));
        assert!(matches!(attempt(MIXED_UP), Err(AuthError::Unavailable(_))));
        assert!(is_right(&attempt(RIGHT)));
    }
    assert_eq!(exhaust(attempt), 3);
    // They are not throttled either.
    assert!(matches!(attempt(" "), Err(AuthError::NoCredentials)));
    assert!(matches!(attempt(UNANSWERABLE), Err(AuthError::Unavailable(_))));
}

#[test]
fn wrong_key_from_an_unknown_address_is_misconfigured() {
    let auth = guarded(Keys).throttle_failures(throttle());
    let mut unseen = parts(WRONG, HOME);
    unseen.extensions.clear();
    let no_address = |result: Result<_, AuthError>| {
        matches!(result, Err(AuthError::Misconfigured(Misconfiguration::NoAddress)))
    };
    assert!(no_address(auth.verify_parts(&unseen)));
    assert!(no_address(auth.verify(&unseen.headers)));
    assert!(no_address(auth.verify_key(WRONG.as_bytes())));
    assert!(is_right(&auth.verify_key(RIGHT.as_bytes())));
    assert!(matches!(auth.verify(&HeaderMap::new()), Err(AuthError::NoCredentials)));
}

#[test]
fn unknown_addresses_are_not_throttled_if_they_are_allowed() {
    let auth = guarded(Keys).throttle_failures(throttle().allow_unknown_addresses());
    let mut unseen = parts(WRONG, HOME);
    unseen.extensions.clear();
    let reason = |result: Result<_, AuthError>| result.unwrap_err().reason();
    for _ in 0..1_000 {
        assert_eq!(reason(auth.verify_parts(&unseen)), Some(WrongReason::Unknown));
        assert_eq!(reason(auth.verify(&unseen.headers)), Some(WrongReason::Unknown));
        assert_eq!(reason(auth.verify_key(WRONG.as_bytes())), Some(WrongReason::Unknown));
    }
    // They are not counted together with a known address.
    assert_eq!(exhaust(|guess| auth.verify_parts(&parts(guess, HOME))), 3);
}

#[test]
fn clones_share_counts_across_authenticators() {
    let clock = fake_clock();
    let failures = throttle();
    let one = guarded(Keys).throttle_failures(failures.clone()).with_clock(clock.reader());
    let other = guarded(MemoryStore::new()).throttle_failures(failures).with_clock(clock.reader());
    assert_eq!(exhaust(|guess| one.verify_parts(&parts(guess, HOME))), 3);
    assert_eq!(exhaust(|guess| other.verify_parts(&parts(guess, HOME))), 0);
    assert_eq!(exhaust(|guess| one.clone().verify_parts(&parts(guess, HOME))), 0);
}

#[test]
fn clone_with_another_rate_counts_separately() {
    let clock = fake_clock();
    let failures = throttle();
    let quick = failures.clone().with_rate(rate("60/second", 2));
    let one = guarded(Keys).throttle_failures(failures).with_clock(clock.reader());
    let other = guarded(Keys).throttle_failures(quick).with_clock(clock.reader());
    assert_eq!(exhaust(|guess| one.verify_parts(&parts(guess, HOME))), 3);
    let wrong = exhaust(|guess| other.verify_parts(&parts(guess, HOME)));
    assert_eq!(wait(one.verify_parts(&parts(WRONG, HOME))), Some(Duration::from_secs(6)));
    assert_eq!(wrong, 2);
}
