use std::time::Duration;

use keygate::client::Rate;
use keygate::error::ConfigError;
use keygate::{Client, Quota, Throttle, YamlStore, verify};
use proptest::prelude::*;

use crate::clock::fake_clock;
use crate::throttling::fixture::{admitted, client, rate, several, throttle, throttle_at};

/// A client with these rates as its quota, each with a burst of its count.
fn list(rates: &[&str]) -> Client {
    let rates = rates.iter().map(|text| text.parse::<Rate>().unwrap());
    client("User 1", Quota::all_of(rates).unwrap())
}

#[test]
fn changed_quota_keeps_the_requests_that_are_owed() {
    let clock = fake_clock();
    let throttle = throttle_at(&clock);
    assert_eq!(admitted(&throttle, &list(&["100/hour"]), 50), 50);
    assert_eq!(admitted(&throttle, &list(&["70/hour"]), 100), 20);
    assert_eq!(admitted(&throttle, &list(&["10/hour"]), 100), 0, "at most the burst is owed");
    assert_eq!(admitted(&throttle, &list(&["1000/hour"]), 2_000), 930);
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(admitted(&throttle, &list(&["10/hour"]), 100), 10);
}

#[test]
fn owed_requests_are_carried_over_to_another_unit() {
    let throttle = throttle();
    assert_eq!(admitted(&throttle, &list(&["100/hour"]), 40), 40);
    assert_eq!(admitted(&throttle, &list(&["100/day"]), 100), 60);
    assert_eq!(admitted(&throttle, &list(&["100/minute"]), 100), 0);
}

#[test]
fn added_rate_starts_with_nothing_owed() {
    for added in ["10/second", "1000/hour"] {
        let throttle = throttle();
        assert_eq!(admitted(&throttle, &list(&["10000/day"]), 5_000), 5_000);
        let burst = added.parse::<Rate>().unwrap().burst() as usize;
        assert_eq!(admitted(&throttle, &list(&[added, "10000/day"]), 2_000), burst);
        assert_eq!(admitted(&throttle, &list(&["10000/day"]), 10_000), 5_000 - burst);
    }
}

#[test]
fn rate_that_returns_has_missed_no_request() {
    let clock = fake_clock();
    let throttle = throttle_at(&clock);
    assert_eq!(admitted(&throttle, &list(&["100/second", "500/day"]), 90), 90);
    for _ in 0..4 {
        clock.advance(Duration::from_secs(1));
        assert_eq!(admitted(&throttle, &list(&["100/second"]), 200), 100);
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(admitted(&throttle, &list(&["100/second", "500/day"]), 100), 10);
}

#[test]
fn changes_back_and_forth_allow_no_extra_requests() {
    let throttle = throttle();
    let few = list(&["10/minute"]);
    let many = list(&["100/minute"]);
    let both = list(&["10/minute", "100/minute"]);
    let mut all = 0;
    for _ in 0..20 {
        for client in [&few, &both, &many, &both] {
            all += admitted(&throttle, client, 200);
        }
    }
    assert!(all <= 110, "{all}: the burst of each, once");
}

#[test]
fn reordered_rates_keep_their_debt() {
    let clock = fake_clock();
    let throttle = throttle_at(&clock);
    let list = |rates: [Rate; 2]| client("User 1", Quota::all_of(rates).unwrap());
    let (pace, volume) = (rate("86400/day", 1), rate("10000/day", 10_000));
    assert_eq!(admitted(&throttle, &list([pace, volume]), 10), 1);
    let mut hour = 0;
    for _ in 0..3_600 {
        clock.advance(Duration::from_secs(1));
        hour += admitted(&throttle, &list([volume, pace]), 2);
    }
    assert_eq!(hour, 3_600);
}

#[test]
fn own_and_default_quota_share_their_debt() {
    for (own, default) in [("100/hour", "100/hour"), ("100/day", "100/hour")] {
        let [own, default] = [own, default].map(|text| rate(text, 100));
        let [without, with] = [Client::for_test("User 1"), client("User 1", own)];
        for [first, second] in [[&with, &without], [&without, &with]] {
            let throttle = throttle().with_default_quota(default.into());
            assert_eq!(admitted(&throttle, first, 1), 1);
            assert_eq!(admitted(&throttle, second, 200), 99);
            assert_eq!(admitted(&throttle, first, 200), 0);
        }
    }
}

#[test]
fn limits_with_different_names_count_separately() {
    let clock = fake_clock();
    let all = throttle_at(&clock).with_default_quota(rate("600/hour", 600).into());
    let login = all.limit("login").unwrap().with_default_quota(rate("10/day", 10).into());
    let client = Client::for_test("User 1");
    let (mut of_all, mut of_login) = (0, 0);
    for _ in 0..600 {
        of_login += admitted(&login, &client, 1);
        of_all += admitted(&all, &client, 1);
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!((of_login, of_all), (10, 600));
    assert_eq!(all.counters().len(), 2);
}

#[test]
fn limits_with_the_same_name_count_together() {
    let throttle = throttle();
    let route = || throttle.limit("search").unwrap().with_default_quota(rate("5/hour", 5).into());
    let client = Client::for_test("User 1");
    let all: usize = (0..100).map(|_| admitted(&route(), &client, 1)).sum();
    assert_eq!((all, throttle.counters().len()), (5, 1));
    let with_other_default = route().with_default_quota(rate("8/hour", 8).into());
    assert_eq!(admitted(&with_other_default, &client, 10), 3);
    assert_eq!(admitted(&route(), &client, 10), 0);
}

#[test]
fn bad_name_of_a_limit_is_refused_when_it_is_built() {
    for name in ["", "Search", "a b", "ü", "a/b", "\"", &"a".repeat(65)] {
        assert_eq!(Throttle::named(name).unwrap_err(), ConfigError::LimitName, "{name}");
    }
    for name in ["search", "v1.search_all-2", &"a".repeat(64)] {
        assert!(Throttle::named(name).is_ok(), "{name}");
    }
}

#[test]
fn only_idle_clients_are_swept() {
    let clock = fake_clock();
    let throttle = throttle_at(&clock);
    for number in 0..20_000 {
        throttle.check(&client(&format!("User {number}"), rate("60/minute", 60))).unwrap();
    }
    assert_eq!(throttle.counters().len(), 20_000);
    let busy = client("Busy", rate("1/day", 1));
    assert_eq!(admitted(&throttle, &busy, 1), 1);
    // The requests of one client sweep all others.
    for _ in 0..1_000 {
        clock.advance(Duration::from_millis(251));
        let _ = throttle.check(&busy);
    }
    assert_eq!(throttle.counters().len(), 1);
    assert_eq!(admitted(&throttle, &busy, 100), 0);
}

#[test]
fn clock_that_was_ahead_does_not_keep_idle_clients() {
    for quota in [Quota::from(rate("1/minute", 1)), several()] {
        let clock = fake_clock();
        let throttle = throttle_at(&clock);
        let years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
        clock.advance(years);
        for number in 0..2_000 {
            let client = client(&format!("User {number}"), quota.clone());
            assert_eq!(admitted(&throttle, &client, 1), 1);
        }
        clock.set(clock.now() - years);
        for _ in 0..1_000 {
            clock.advance(Duration::from_millis(251));
            let _ = throttle.check(&client("User 0", rate("1/day", 1)));
        }
        assert_eq!(throttle.counters().len(), 1);
    }
}

#[test]
fn spent_daily_rate_is_remembered_while_removed() {
    let clock = fake_clock();
    let throttle = throttle_at(&clock);
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/day", 1)), 100), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/second", 1)), 1), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/second", 1)), 1), 1);
    // Idle according to the rate per second, and swept with the others.
    for _ in 0..1_000 {
        clock.advance(Duration::from_millis(251));
        let _ = throttle.check(&client("User 2", rate("1/day", 1)));
    }
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/day", 1)), 100), 0);
}

#[test]
fn quota_changed_in_the_file_applies_to_the_next_request() {
    const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.yml");
    let write = |quota: &str| {
        let text = format!("api_keys: {{{KEY}: User 1}}\nclients: {{User 1: {{{quota}}}}}\n");
        std::fs::write(&path, text).unwrap();
    };
    write("quota: 10/hour");
    let store = YamlStore::open(&path).unwrap();
    let throttle = throttle().with_default_quota(rate("4/hour", 4).into());
    let headers =
        http::HeaderMap::from_iter([("x-api-key".parse().unwrap(), KEY.parse().unwrap())]);
    let allowed =
        || (0..100).filter(|_| throttle.check(&verify(&store, &headers).unwrap()).is_ok());
    assert_eq!(allowed().take(5).count(), 5);
    for (quota, expected) in [
        ("quota: 20/hour", 15),
        ("quota: 30/hour", 10),
        ("quota: unlimited", 100),
        ("enabled: true", 0),
        ("quota: [30/hour, {rate: 7/second, burst: 7}]", 0),
    ] {
        write(quota);
        store.reload().unwrap();
        assert_eq!(allowed().count(), expected, "{quota}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// No request is earned at a single instant, so no unit allows more than the count.
    #[test]
    fn changing_the_unit_allows_no_more_than_the_count(
        count in 1..50_u32, steps in proptest::collection::vec((0..4_usize, 0..60_usize), 1..12),
    ) {
        let throttle = throttle();
        let mut all = 0;
        for (unit, tries) in steps {
            let unit = ["second", "minute", "hour", "day"][unit];
            let quota = rate(&format!("{count}/{unit}"), count);
            all += admitted(&throttle, &client("User 1", quota), tries);
        }
        prop_assert!(all <= usize::try_from(count).unwrap(), "{all}");
    }

    #[test]
    fn changing_the_count_allows_no_more_than_the_largest(
        steps in proptest::collection::vec((1..50_u32, 0..60_usize), 1..12),
    ) {
        let throttle = throttle();
        let (mut all, mut most) = (0, 0);
        for (count, tries) in steps {
            most = most.max(usize::try_from(count).unwrap());
            let quota = rate(&format!("{count}/hour"), count);
            all += admitted(&throttle, &client("User 1", quota), tries);
            prop_assert!(all <= most, "{all} of {most}");
        }
    }
}
