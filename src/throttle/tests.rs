use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::Throttle;
use crate::client::Client;
use crate::digest::KeyDigest;
use crate::instant;
use crate::profile::ClientProfile;
use crate::quota::Quota;

const HOUR: u64 = 3_600_000_000_000;

/// Whose second is spent, as that of a busy client always is.
#[test]
fn quota_that_gets_another_unit_or_more_of_one_takes_no_more_than_was_spent() {
    let now = Arc::new(AtomicU64::new(1_800_000_000));
    let clock = {
        let now = Arc::clone(&now);
        move || {
            let seconds = now.load(Ordering::Relaxed);
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
        }
    };
    let throttle = Throttle::new().with_clock(clock);
    let allowed = |quota: &[&str], seconds: u64| {
        let rates = quota.iter().map(|rate| rate.parse().unwrap());
        let profile = ClientProfile::new("User 1");
        let profile = profile.with_quota(Quota::all_of(rates).unwrap());
        let client = Client::new(profile, KeyDigest::of(b"x").key_id(), false);
        let mut allowed = 0;
        for _ in 0..seconds {
            allowed += (0..10).filter(|_| throttle.check(&client).is_ok()).count();
            now.fetch_add(1, Ordering::Relaxed);
        }
        allowed
    };
    assert_eq!(allowed(&["10/second"], 1), 10);
    now.fetch_sub(1, Ordering::Relaxed);
    // All of the second is spent, and nothing of the day.
    assert_eq!(allowed(&["10/second", "10000/day"], 1), 0);
    assert_eq!(allowed(&["10/second", "10000/day"], 100), 1_000);
    // The tenth of the day that is spent stays so, in whatever order.
    now.fetch_sub(1, Ordering::Relaxed);
    let rest = allowed(&["1000/day", "10/second"], 200);
    assert!((895..=905).contains(&rest), "{rest}");
    // Now all of it is, also after an hour in which the quota had no day.
    assert_eq!(allowed(&["5/day"], 1), 0);
    assert_eq!(allowed(&["10/second"], 3_600), 36_000);
    assert_eq!(allowed(&["10/second", "5/day"], 1), 0);
}

/// As a request does that waits for its turn between the two layers.
#[cfg(feature = "tower")]
#[test]
fn request_that_waited_is_judged_by_the_clock_and_not_by_when_it_was_let_in() {
    let throttle = Throttle::new();
    let client = Client::new("User 1".into(), KeyDigest::of(b"x").key_id(), false);
    client.seen.lend(instant::now() - HOUR / 3_600);
    assert_eq!(throttle.came(&client), None);
    client.seen.lend(instant::now() + HOUR);
    assert_eq!(throttle.came(&client), None, "the clock was set back");
}

/// As the service of a connection does that lasts.
#[test]
fn client_that_is_kept_is_judged_by_the_clock_and_not_by_when_it_was_let_in() {
    let quota = "1/hour".parse().unwrap();
    let throttle = Throttle::new().with_default_quota(quota);
    let client = Client::new("User 1".into(), KeyDigest::of(b"x").key_id(), false);
    client.seen.lend(instant::now() - 2 * HOUR);
    assert!(throttle.check(&client).is_ok());
    assert!(throttle.check(&client).is_err());
}
