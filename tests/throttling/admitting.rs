use std::sync::Arc;
use std::time::{Duration, SystemTime};

use keygate::{Client, LocalCounters, MemoryCounters, Quota, Spend, StoreError, Tally, Throttle};

use crate::scene::{FakeClock, admitted, client, rate, several, throttled};

#[test]
fn first_minutes_are_those_of_the_table_in_the_docs() {
    let cases = [
        (Quota::from(rate("100/minute", 100)), [200, 100, 100]),
        (rate("100/minute", 20).into(), [120, 100, 100]),
        (rate("100/minute", 1).into(), [101, 100, 100]),
        (rate("2/second", 2).into(), [122, 120, 120]),
        (rate("1/second", 1).into(), [61, 60, 60]),
        (
            Quota::all_of([rate("10/second", 10), rate("10000/day", 10_000)]).unwrap(),
            [610, 600, 600],
        ),
    ];
    for (quota, expected) in cases {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let client = client("User 1", quota);
        // As often as it could ever be allowed, to the end of each minute.
        let mut seen = expected.map(|_| 0);
        seen[0] += admitted(&throttle, &client, 1_000);
        for minute in &mut seen {
            for _ in 0..600 {
                clock.turn(100);
                *minute += admitted(&throttle, &client, 5);
            }
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn who_waits_as_long_as_was_said_is_let_in_and_nobody_much_earlier() {
    for (quota, burst) in [("1/second", 1), ("7/minute", 3), ("100/hour", 5), ("1000/second", 2)] {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let client = client("User 1", rate(quota, burst));
        for _ in 0..20 {
            while throttle.check(&client).is_ok() {}
            let (wait, headers) = throttled(&throttle, &client);
            assert_eq!(headers["retry-after"], wait.to_string());
            assert!(wait >= 1);
            clock.turn(wait.saturating_sub(1) * 1_000);
            assert!(wait == 1 || throttle.check(&client).is_err(), "{quota}: a second too early");
            clock.turn(1_000);
            assert!(throttle.check(&client).is_ok(), "{quota}");
        }
    }
}

#[test]
fn all_keys_of_a_client_share_its_quota_and_clients_do_not() {
    let throttle = FakeClock::new().throttle();
    let (one, other) = (client("User 1", rate("5/hour", 5)), client("User 2", rate("5/hour", 5)));
    assert_eq!(admitted(&throttle, &one, 3), 3);
    // The same client as another verification would hand it out.
    assert_eq!(admitted(&throttle, &client("User 1", rate("5/hour", 5)), 10), 2);
    assert_eq!(admitted(&throttle, &other, 10), 5);
}

#[test]
fn client_without_a_quota_has_the_default_one_and_unlimited_is_unlimited() {
    let clock = FakeClock::new();
    let plain = Client::for_test("User 1");
    assert_eq!(admitted(&clock.throttle(), &plain, 10_000), 10_000);
    let throttle = clock.throttle().with_default_quota(rate("3/hour", 3).into());
    assert_eq!(admitted(&throttle, &plain, 10), 3);
    let unlimited = client("User 2", "unlimited".parse::<Quota>().unwrap());
    assert_eq!(admitted(&throttle, &unlimited, 10_000), 10_000);
    assert_eq!(throttle.check(&unlimited).unwrap().remaining(), None);
}

#[test]
fn several_rates_are_spent_together_or_not_at_all() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    let client = client("User 1", several());
    assert_eq!(admitted(&throttle, &client, 100), 10);
    // Had the refusals been counted by the minute, nothing would be left of it.
    clock.turn(1_000);
    assert_eq!(admitted(&throttle, &client, 100), 5);
    let (wait, headers) = throttled(&throttle, &client);
    assert_eq!(wait, 3, "the minute earns one in four seconds, of which one has passed");
    assert_eq!(headers["ratelimit-policy"], r#""second";q=10;w=1, "minute";q=15;w=60"#);
    assert_eq!(headers["ratelimit"], r#""minute";r=0;t=3"#);
}

#[test]
fn clock_that_goes_back_neither_lets_in_nor_locks_out() {
    for quota in [
        Quota::from(rate("10/minute", 10)),
        Quota::all_of([rate("10/minute", 10), rate("100/day", 100)]).unwrap(),
    ] {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let client = client("User 1", quota);
        assert_eq!(admitted(&throttle, &client, 100), 10);
        clock.turn_back(500_000_000);
        assert_eq!(admitted(&throttle, &client, 100), 0);
        // One of the day is earned in 864 s.
        clock.turn(900_000);
        assert_eq!(admitted(&throttle, &client, 1), 1, "not longer than the burst takes");
    }
}

#[test]
fn system_clock_is_the_default() {
    let throttle = Throttle::new();
    let client = client("User 1", rate("1/day", 1));
    let before = SystemTime::now();
    assert!(throttle.check(&client).is_ok() && throttle.check(&client).is_err());
    assert!(before.elapsed().unwrap() < Duration::from_secs(3_600));
}

#[test]
fn counters_behind_a_pointer_are_asked_without_waiting() {
    let counters: Arc<dyn LocalCounters> = Arc::new(MemoryCounters::new());
    let throttle = FakeClock::new().over(counters);
    let client = client("User 1", rate("3/day", 3));
    let allowed = (0..10).filter(|_| throttle.check(&client).is_ok()).count();
    assert_eq!(allowed, 3);
}

#[test]
fn rate_that_has_none_left_for_longest_is_told_of() {
    let quota = Quota::all_of([rate("60/minute", 1), rate("1/minute", 1)]).unwrap();
    let allowance = FakeClock::new().throttle().check(&client("User 1", quota)).unwrap();
    let tally = allowance.tally().unwrap();
    assert_eq!((tally.rate, tally.remaining, tally.wait.as_secs()), (1, 0, 60));
}

/// As counters that halve a quota while the service is busy.
#[test]
fn counters_around_those_in_memory_may_ask_for_another_quota() {
    struct Halved(MemoryCounters);

    impl LocalCounters for Halved {
        fn spend_now(&self, spend: &Spend<'_>) -> Result<Tally, StoreError> {
            let quota = Quota::from(rate("5/hour", 5));
            let mut halved = *spend;
            halved.quota = &quota;
            self.0.spend_now(&halved)
        }
    }

    let throttle = FakeClock::new().over(Halved(MemoryCounters::new()));
    let client = client("User 1", rate("10/hour", 10));
    assert_eq!((0..20).filter(|_| throttle.check(&client).is_ok()).count(), 5);
}
