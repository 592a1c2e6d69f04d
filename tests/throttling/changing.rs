use keygate::{Client, MemoryCounters};

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
    let counters = MemoryCounters::new();
    let throttle = clock.over(counters.clone());
    for number in 0..20_000 {
        throttle.check(&client(&format!("User {number}"), rate("60/minute", 60))).unwrap();
    }
    assert_eq!(counters.len(), 20_000);
    let busy = client("Busy", rate("1/day", 1));
    assert_eq!(admitted(&throttle, &busy, 1), 1);
    // One client's requests are enough to forget all others.
    for _ in 0..1_000 {
        clock.turn(251);
        let _ = throttle.check(&busy);
    }
    assert_eq!(counters.len(), 1);
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
fn handles_with_default_quotas_of_one_unit_share_it() {
    let clock = FakeClock::new();
    let few = clock.throttle().with_default_quota(rate("10/day", 10).into());
    let many = few.clone().with_default_quota(rate("100/day", 100).into());
    let client = Client::for_test("User 1");
    assert_eq!(admitted(&few, &client, 5), 5);
    assert_eq!(admitted(&many, &client, 100), 50);
    assert_eq!(admitted(&few, &client, 100), 0);
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
