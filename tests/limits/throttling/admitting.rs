use std::sync::Arc;
use std::time::{Duration, SystemTime};

use keygate::limit::{Decision, LocalCounters, MemoryCounters, RateLimitRequest};
use keygate::{Client, Quota, StoreError, Throttle};

use crate::clock::fake_clock;
use crate::throttling::fixture::{
    admitted, client, rate, several, throttle, throttle_at, throttled,
};

#[test]
fn first_minutes_match_the_table_in_the_docs() {
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
        let clock = fake_clock();
        let throttle = throttle_at(&clock);
        let client = client("User 1", quota);
        // More requests than could be allowed, until the end of each minute.
        let mut seen = expected.map(|_| 0);
        seen[0] += admitted(&throttle, &client, 1_000);
        for minute in &mut seen {
            for _ in 0..600 {
                clock.advance(Duration::from_millis(100));
                *minute += admitted(&throttle, &client, 5);
            }
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn retry_after_is_enough_and_a_second_less_is_not() {
    for (quota, burst) in [("1/second", 1), ("7/minute", 3), ("100/hour", 5), ("1000/second", 2)] {
        let clock = fake_clock();
        let throttle = throttle_at(&clock);
        let client = client("User 1", rate(quota, burst));
        for _ in 0..20 {
            while throttle.check(&client).is_ok() {}
            let (wait, headers) = throttled(&throttle, &client);
            assert_eq!(headers["retry-after"], wait.to_string());
            assert!(wait >= 1);
            clock.advance(Duration::from_secs(wait - 1));
            assert!(wait == 1 || throttle.check(&client).is_err(), "{quota}: a second too early");
            clock.advance(Duration::from_secs(1));
            assert!(throttle.check(&client).is_ok(), "{quota}");
        }
    }
}

#[test]
fn keys_share_the_quota_of_their_client() {
    let throttle = throttle();
    let (one, other) = (client("User 1", rate("5/hour", 5)), client("User 2", rate("5/hour", 5)));
    assert_eq!(admitted(&throttle, &one, 3), 3);
    // The same client, verified again.
    assert_eq!(admitted(&throttle, &client("User 1", rate("5/hour", 5)), 10), 2);
    assert_eq!(admitted(&throttle, &other, 10), 5);
}

#[test]
fn client_without_a_quota_has_the_default_one() {
    let clock = fake_clock();
    let plain = Client::for_test("User 1");
    assert_eq!(admitted(&throttle_at(&clock), &plain, 10_000), 10_000);
    let throttle = throttle_at(&clock).with_default_quota(rate("3/hour", 3).into());
    assert_eq!(admitted(&throttle, &plain, 10), 3);
    let unlimited = client("User 2", "unlimited".parse::<Quota>().unwrap());
    assert_eq!(admitted(&throttle, &unlimited, 10_000), 10_000);
    assert_eq!(throttle.check(&unlimited).unwrap().remaining(), None);
}

#[test]
fn rates_of_a_quota_are_spent_together_or_not_at_all() {
    let clock = fake_clock();
    let throttle = throttle_at(&clock);
    let client = client("User 1", several());
    assert_eq!(admitted(&throttle, &client, 100), 10);
    // If the minute had counted the refusals, it would be spent.
    clock.advance(Duration::from_secs(1));
    assert_eq!(admitted(&throttle, &client, 100), 5);
    let (wait, headers) = throttled(&throttle, &client);
    assert_eq!(wait, 3, "the minute earns one in four seconds, of which one has passed");
    assert_eq!(headers["ratelimit-policy"], r#""second";q=10;w=1, "minute";q=15;w=60"#);
    assert_eq!(headers["ratelimit"], r#""minute";r=0;t=3"#);
}

#[test]
fn clock_set_back_neither_admits_nor_locks_out() {
    for quota in [
        Quota::from(rate("10/minute", 10)),
        Quota::all_of([rate("10/minute", 10), rate("100/day", 100)]).unwrap(),
    ] {
        let clock = fake_clock();
        let throttle = throttle_at(&clock);
        let client = client("User 1", quota);
        assert_eq!(admitted(&throttle, &client, 100), 10);
        clock.set(clock.now() - Duration::from_secs(500_000));
        assert_eq!(admitted(&throttle, &client, 100), 0);
        // One of the day is earned in 864 s.
        clock.advance(Duration::from_secs(900));
        assert_eq!(admitted(&throttle, &client, 1), 1, "not longer than the burst takes");
    }
}

#[test]
fn request_of_a_higher_cost_spends_as_many_requests() {
    let counters = MemoryCounters::new();
    let quota = Quota::from(rate("10/hour", 10));
    let request = RateLimitRequest::new("default", "User 1", &quota, SystemTime::now());
    let count = |cost| counters.count_now(&request.with_cost(cost)).unwrap();
    assert_eq!((count(7).remaining, count(4).allowed, count(3).remaining), (3, false, 0));
    assert!(!count(11).allowed, "a cost above the burst");
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
fn counters_in_an_arc_do_not_wait() {
    let counters: Arc<dyn LocalCounters> = Arc::new(MemoryCounters::new());
    let throttle = Throttle::with_counters(counters).with_clock(fake_clock().reader());
    let client = client("User 1", rate("3/day", 3));
    let allowed = (0..10).filter(|_| throttle.check(&client).is_ok()).count();
    assert_eq!(allowed, 3);
}

#[test]
fn rate_that_waits_longest_is_reported() {
    let quota = Quota::all_of([rate("60/minute", 1), rate("1/minute", 1)]).unwrap();
    let permit = throttle().check(&client("User 1", quota)).unwrap();
    let decision = permit.decision().unwrap();
    assert_eq!((decision.rate, decision.remaining, decision.wait.as_secs()), (1, 0, 60));
}

/// For example, counters that halve a quota while the service is busy.
#[test]
fn wrapped_counters_may_replace_the_quota() {
    struct Halved(MemoryCounters);

    impl LocalCounters for Halved {
        fn count_now(&self, request: &RateLimitRequest<'_>) -> Result<Decision, StoreError> {
            let quota = Quota::from(rate("5/hour", 5));
            self.0.count_now(&request.with_quota(&quota))
        }
    }

    let throttle =
        Throttle::with_counters(Halved(MemoryCounters::new())).with_clock(fake_clock().reader());
    let client = client("User 1", rate("10/hour", 10));
    assert_eq!((0..20).filter(|_| throttle.check(&client).is_ok()).count(), 5);
}
