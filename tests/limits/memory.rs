//! A million clients with one request each: the memory that they take, and its release.
//! That a million addresses take nothing is tested with `FailureThrottle`.

use std::time::Duration;

use keygate::{
    Authenticator, Client, KeyDigest, KeyRecord, LocalKeyStore, StoreError, Throttle, Usage,
};

use crate::allocator::held;
use crate::clock::fake_clock;

const MILLION: u64 = 1_000_000;

#[test]
fn idle_clients_take_little_memory_and_are_freed() {
    let clock = fake_clock();
    let beginning = clock.now();
    let throttle =
        Throttle::new().with_clock(clock.reader()).with_default_quota("60/minute".parse().unwrap());
    let check = |name: &str| throttle.check(&Client::for_test(name)).is_ok();
    let before = held();
    for number in 0..MILLION {
        assert!(check(&format!("Client {number}")));
    }
    assert_eq!(throttle.counters().len(), 1_000_000);
    let each = (held() - before) / 1_000_000;
    assert!(each <= 192, "{each} bytes for each");

    // As long as the burst takes, and as it takes until all were looked after: with one client's calls.
    for pause in 0..300 {
        clock.set(beginning + Duration::from_millis(60_000 + 251 * pause));
        check("Busy");
    }
    assert_eq!(throttle.counters().len(), 1);
    let each = (held() - before) / 1_000_000;
    assert!(each <= 32, "{each} bytes of the table for each that was there");

    // Others take their places.
    let full = held();
    for number in 0..MILLION / 10 {
        assert!(check(&format!("Other {number}")));
    }
    assert!((held() - full) / 100_000 <= 192);
}

/// Makes a client for each key that is looked up.
struct Any;

impl LocalKeyStore for Any {
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        let record = KeyRecord::new(*digest, "");
        let name = record.key_id().to_string();
        Ok(Some(KeyRecord::new(*digest, name)))
    }
}

#[test]
fn memory_does_not_grow_with_clients_over_years() {
    const WAVE: usize = 100_000;
    const MEMORY: Duration = Duration::from_secs(40 * 24 * 60 * 60);
    let clock = fake_clock();
    let beginning = clock.now();
    let before = held();
    let usage = Usage::new().with_clock(clock.reader());
    let auth = Authenticator::new(Any).add_observer(usage.clone());
    let call = |key: &[u8]| assert!(auth.verify_key(key).is_ok());
    for wave in 0..10 {
        let start = (MEMORY + MEMORY / 40) * wave;
        clock.set(beginning + start);
        (0..WAVE).for_each(|number| call(format!("{wave} {number}").as_bytes()));
        let most = held() - before;
        assert!(most <= 1_024 * WAVE.cast_signed(), "{most}");
        // After so long, until all were looked after: with one client's calls.
        for pause in 0..260 {
            clock.set(beginning + start + MEMORY + Duration::from_secs(300) * pause);
            call(b"busy");
        }
        assert_eq!(usage.snapshot().clients.len(), 1);
    }
    // The calls of the busy one, too.
    assert_eq!(usage.snapshot().outcomes["admitted"], MILLION + 2_600);
}
