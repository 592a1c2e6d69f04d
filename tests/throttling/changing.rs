use keygate::{Client, Quota, Rate, Throttle, YamlStore, verify};
use proptest::prelude::*;

use crate::scene::{FakeClock, admitted, client, rate, several};

#[test]
fn quota_that_changes_carries_over_what_was_spent() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    assert_eq!(admitted(&throttle, &client("User 1", rate("100/hour", 100)), 50), 50);
    // Half is spent, whatever the quota.
    assert_eq!(admitted(&throttle, &client("User 1", rate("10/hour", 10)), 100), 5);
    assert_eq!(admitted(&throttle, &client("User 1", rate("1000/hour", 1000)), 100), 0);
    clock.turn(3_600_000);
    assert_eq!(admitted(&throttle, &client("User 1", several()), 7), 7);
    assert_eq!(admitted(&throttle, &client("User 1", rate("10/second", 10)), 100), 3);
}

#[test]
fn idle_clients_are_forgotten_and_busy_ones_are_not() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    for number in 0..20_000 {
        throttle.check(&client(&format!("User {number}"), rate("60/minute", 60))).unwrap();
    }
    assert_eq!(throttle.counters().len(), 20_000);
    let busy = client("Busy", rate("1/day", 1));
    assert_eq!(admitted(&throttle, &busy, 1), 1);
    // One client's requests are enough to forget all others.
    for _ in 0..1_000 {
        clock.turn(251);
        let _ = throttle.check(&busy);
    }
    assert_eq!(throttle.counters().len(), 1);
    assert_eq!(admitted(&throttle, &busy, 100), 0);
}

#[test]
fn handles_with_default_quotas_of_other_units_do_not_undo_each_other() {
    let clock = FakeClock::new();
    let few = clock.throttle().with_default_quota(rate("10/day", 10).into());
    let many = few.clone().with_default_quota(rate("600/hour", 600).into());
    let client = Client::for_test("User 1");
    let (mut of_few, mut of_many) = (0, 0);
    for _ in 0..600 {
        of_few += admitted(&few, &client, 1);
        of_many += admitted(&many, &client, 1);
        clock.turn(1_000);
    }
    assert_eq!((of_few, of_many), (10, 600));
}

#[test]
fn handles_with_default_quotas_of_one_unit_each_keep_their_own() {
    let clock = FakeClock::new();
    let login = clock.throttle().with_default_quota(rate("5/hour", 5).into());
    let all = login.clone().with_default_quota(rate("3600/hour", 10).into());
    let client = Client::for_test("User 1");
    assert_eq!(admitted(&login, &client, 2), 2);
    assert_eq!(admitted(&all, &client, 100), 10);
    let (mut of_login, mut of_all) = (2, 10);
    for _ in 0..1_000 {
        clock.turn(1_000);
        of_login += admitted(&login, &client, 1);
        of_all += admitted(&all, &client, 2);
    }
    // 1,000 seconds earn one and a part of the first, and 1,000 of the second.
    assert_eq!((of_login, of_all), (6, 1_010));
}

#[test]
fn own_quota_is_one_for_all_handles_whatever_their_default() {
    let clock = FakeClock::new();
    let login = clock.throttle().with_default_quota(rate("5/hour", 5).into());
    let all = login.clone().with_default_quota(rate("3600/hour", 10).into());
    let client = client("User 1", rate("10/hour", 10));
    assert_eq!(admitted(&login, &client, 7), 7);
    assert_eq!(admitted(&all, &client, 100), 3);
}

/// As of a handler that makes one for each request.
#[test]
fn handles_with_equal_default_quotas_share_it_also_when_the_others_are_gone() {
    let throttle = FakeClock::new().throttle();
    let route = |throttle: &Throttle| throttle.clone().with_default_quota(rate("5/hour", 5).into());
    let client = Client::for_test("User 1");
    let all: usize = (0..100).map(|_| admitted(&route(&throttle), &client, 1)).sum();
    assert_eq!((all, throttle.counters().len()), (5, 1));
    let last = route(&throttle);
    drop(throttle);
    assert_eq!(admitted(&last.with_default_quota(rate("5/hour", 5).into()), &client, 10), 0);
}

#[test]
fn client_that_gets_or_loses_its_own_quota_takes_what_was_spent_along() {
    for (own, default) in [("100/hour", "100/hour"), ("100/day", "100/hour")] {
        let [own, default] = [own, default].map(|text| rate(text, 100));
        let [without, with] = [Client::for_test("User 1"), client("User 1", own)];
        for [first, second] in [[&with, &without], [&without, &with]] {
            let throttle = FakeClock::new().throttle().with_default_quota(default.into());
            assert_eq!(admitted(&throttle, first, 1), 1);
            assert_eq!(admitted(&throttle, second, 200), 99);
            assert_eq!(admitted(&throttle, first, 200), 0);
        }
    }
}

#[test]
fn unit_that_goes_back_and_forth_does_not_add_the_quotas_up() {
    let throttle = FakeClock::new().throttle();
    let mut all = 0;
    for unit in ["hour", "day", "minute", "hour", "second", "day", "hour"] {
        all += admitted(&throttle, &client("User 1", rate(&format!("100/{unit}"), 100)), 40);
    }
    assert_eq!(all, 100);
}

#[test]
fn unit_that_was_earned_back_is_no_new_one_when_it_returns() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    assert_eq!(admitted(&throttle, &client("User 1", rate("100/hour", 100)), 1), 1);
    clock.turn(60_000);
    assert_eq!(admitted(&throttle, &client("User 1", rate("1000/day", 1000)), 300), 300);
    clock.turn(3_600_000);
    assert_eq!(admitted(&throttle, &client("User 1", rate("100/hour", 100)), 200), 100);
}

#[test]
fn rates_of_one_unit_keep_their_own_when_one_changes_or_they_change_places() {
    let list = |rates: [Rate; 2]| client("User 1", Quota::all_of(rates).unwrap());
    let throttle = FakeClock::new().throttle();
    let pace = rate("600/minute", 10);
    assert_eq!(admitted(&throttle, &list([pace, rate("100/minute", 500)]), 100), 10);
    // Of the second, 2% is spent.
    let allowed = throttle.check(&list([rate("100/minute", 500), rate("900/minute", 300)]));
    assert_eq!(allowed.unwrap_err().status(), 429, "the second has the share of the first");
    assert_eq!(admitted(&throttle, &list([rate("120/minute", 500), pace]), 100), 0);
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    let (pace, volume) = (rate("86400/day", 1), rate("10000/day", 10_000));
    assert_eq!(admitted(&throttle, &list([pace, volume]), 10), 1);
    let mut hour = 0;
    for _ in 0..3_600 {
        clock.turn(1_000);
        hour += admitted(&throttle, &list([volume, pace]), 2);
    }
    assert_eq!(hour, 3_600);
}

#[test]
fn rate_that_is_raised_beside_another_of_its_unit_keeps_its_share() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    let list = |volume| client("User 1", Quota::all_of([rate("600/minute", 10), volume]).unwrap());
    assert_eq!(admitted(&throttle, &list(rate("100/minute", 500)), 100), 10);
    let mut minute = 0;
    for _ in 0..600 {
        clock.turn(100);
        minute += admitted(&throttle, &list(rate("120/minute", 500)), 2);
    }
    // 490 were left, and 120 are earned.
    assert_eq!(minute, 600);
}

#[test]
fn rates_of_one_unit_that_all_change_take_the_shares_of_those_of_their_size() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    let list = |rates: [Rate; 2]| client("User 1", Quota::all_of(rates).unwrap());
    let before = list([rate("100/minute", 500), rate("600/minute", 10)]);
    assert_eq!(admitted(&throttle, &before, 100), 10);
    // Of the larger burst, 2% are spent: 588 are left, and 120 are earned.
    let after = list([rate("120/minute", 600), rate("1200/minute", 20)]);
    let mut minute = 0;
    for _ in 0..600 {
        clock.turn(100);
        minute += admitted(&throttle, &after, 3);
    }
    assert_eq!(minute, 588 + 120);
}

/// As where an operator tries out which of two limits, or both, to have.
#[test]
fn rates_of_one_unit_that_come_and_go_do_not_add_up() {
    let throttle = FakeClock::new().throttle();
    let (few, many) = (rate("10/minute", 10), rate("100/minute", 100));
    let mut all = 0;
    for _ in 0..20 {
        for rates in [vec![few], vec![few, many], vec![many], vec![few, many]] {
            let client = client("User 1", Quota::all_of(rates).unwrap());
            all += admitted(&throttle, &client, 200);
        }
    }
    // Of each its burst, once: neither was in the place of the other.
    assert_eq!(all, 10 + 100);
}

#[test]
fn limit_that_comes_beside_another_begins_with_nothing_spent() {
    for added in [rate("10/second", 10), rate("1000/hour", 1_000)] {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let day = rate("10000/day", 10_000);
        assert_eq!(admitted(&throttle, &client("User 1", day), 5_000), 5_000);
        let both = client("User 1", Quota::all_of([added, day]).unwrap());
        let burst = usize::try_from(added.burst()).unwrap();
        assert_eq!(admitted(&throttle, &both, 2_000), burst);
        let rest = admitted(&throttle, &client("User 1", day), 10_000);
        assert_eq!(rest, 5_000 - burst);
    }
}

#[test]
fn clock_that_was_ahead_keeps_nobody_in_memory() {
    for quota in [Quota::from(rate("1/minute", 1)), several()] {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let years = 10 * 365 * 24 * 60 * 60 * 1_000;
        clock.turn(years);
        for number in 0..2_000 {
            let client = client(&format!("User {number}"), quota.clone());
            assert_eq!(admitted(&throttle, &client, 1), 1);
        }
        clock.turn_back(years);
        for _ in 0..1_000 {
            clock.turn(251);
            let _ = throttle.check(&client("User 0", rate("1/day", 1)));
        }
        assert_eq!(throttle.counters().len(), 1);
    }
}

#[test]
fn many_changes_of_a_quota_take_no_more_and_no_more_memory() {
    let throttle = FakeClock::new().throttle();
    let first = client("User 1", rate("1/day", 1));
    assert_eq!(admitted(&throttle, &first, 2), 1);
    for count in 2..1_000 {
        let _ = throttle.check(&client("User 1", rate("1/day", count)));
    }
    assert_eq!(admitted(&throttle, &client("User 1", rate("999/day", 999)), 10), 0);
}

#[test]
fn day_that_is_spent_is_remembered_while_the_quota_has_none() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/day", 1)), 100), 1);
    clock.turn(1_000);
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/second", 1)), 1), 0);
    clock.turn(1_000);
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/second", 1)), 1), 1);
    // Idle by its second, and looked after with the others.
    for _ in 0..1_000 {
        clock.turn(251);
        let _ = throttle.check(&client("User 2", rate("1/day", 1)));
    }
    assert_eq!(admitted(&throttle, &client("User 1", rate("1/day", 1)), 100), 0);
}

#[test]
fn quota_that_is_changed_in_the_file_holds_for_the_next_request() {
    const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
    let path = std::env::temp_dir().join(format!("keygate-quota-{}.yml", std::process::id()));
    let write = |quota: &str| {
        let text = format!("api_keys: {{{KEY}: User 1}}\nclients: {{User 1: {{{quota}}}}}\n");
        std::fs::write(&path, text).unwrap();
    };
    write("quota: 10/hour");
    let store = YamlStore::open(&path).unwrap();
    let throttle = FakeClock::new().throttle().with_default_quota(rate("4/hour", 4).into());
    let headers =
        http::HeaderMap::from_iter([("x-api-key".parse().unwrap(), KEY.parse().unwrap())]);
    let allowed =
        || (0..100).filter(|_| throttle.check(&verify(&store, &headers).unwrap()).is_ok());
    assert_eq!(allowed().take(5).count(), 5);
    for (quota, expected) in [
        ("quota: 20/hour", 10),
        ("quota: 30/hour", 0),
        ("quota: unlimited", 100),
        ("enabled: true", 0),
        ("quota: [30/hour, {rate: 7/second, burst: 7}]", 0),
    ] {
        write(quota);
        store.reload().unwrap();
        assert_eq!(allowed().count(), expected, "{quota}");
    }
    std::fs::remove_file(path).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// At one instant nothing is earned, so whatever unit a quota changes to, no more is let in than it allows.
    #[test]
    fn units_that_change_let_in_what_one_of_them_allows(
        count in 1..50_u32, steps in proptest::collection::vec((0..4_usize, 0..60_usize), 1..12),
    ) {
        let throttle = FakeClock::new().throttle();
        let mut all = 0;
        for (unit, tries) in steps {
            let unit = ["second", "minute", "hour", "day"][unit];
            let quota = rate(&format!("{count}/{unit}"), count);
            all += admitted(&throttle, &client("User 1", quota), tries);
        }
        prop_assert!(all <= usize::try_from(count).unwrap(), "{all}");
    }

    #[test]
    fn counts_that_change_let_in_what_the_largest_allows(
        steps in proptest::collection::vec((1..50_u32, 0..60_usize), 1..12),
    ) {
        let throttle = FakeClock::new().throttle();
        let (mut all, mut most) = (0, 0);
        for (count, tries) in steps {
            most = most.max(usize::try_from(count).unwrap());
            let quota = rate(&format!("{count}/hour"), count);
            all += admitted(&throttle, &client("User 1", quota), tries);
            prop_assert!(all <= most, "{all} of {most}");
        }
    }
}
