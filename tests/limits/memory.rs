//! The memory that a million clients with one request each take, and its release. The tests of `FailureThrottle` do the
//! same for addresses.

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

    // Requests of one client, for as long as the burst takes to earn and until all other clients have been swept.
    for pause in 0..300 {
        clock.set(beginning + Duration::from_millis(60_000 + 251 * pause));
        check("Busy");
    }
    assert_eq!(throttle.counters().len(), 1);
    let each = (held() - before) / 1_000_000;
    assert!(each <= 32, "{each} bytes of the table for each that was there");

    // Other clients replace them.
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
        // After that time, requests of one client until all others have been swept.
        for pause in 0..260 {
            clock.set(beginning + start + MEMORY + Duration::from_secs(300) * pause);
            call(b"busy");
        }
        assert_eq!(usage.snapshot().clients.len(), 1);
    }
    // The requests of the busy client are counted, too.
    assert_eq!(usage.snapshot().outcomes["admitted"], MILLION + 2_600);
}
