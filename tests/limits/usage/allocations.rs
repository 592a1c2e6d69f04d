//! Allocations of usage, counted on their thread.

use crate::allocator::allocated;
use crate::usage::fixture::Fixture;

#[test]
fn counting_a_key_that_was_seen_before_allocates_nothing() {
    let fixture = Fixture::new();
    let keys = ["a 1", "a 2", "b 1", "nobody's", " "];
    let calls = || keys.iter().for_each(|key| fixture.calls(key, 1));
    calls();
    // Through several parts of every window.
    let (seen, ()) = allocated(|| {
        for second in 0..2_000 {
            fixture.set_seconds(f64::from(second));
            calls();
        }
    });
    assert_eq!(seen.made, 0);
    let (new, ()) = allocated(|| fixture.calls("c 1", 1));
    assert!(new.made > 0, "a new one does");
}

#[test]
fn throttle_and_usage_together_allocate_nothing() {
    let fixture = Fixture::new();
    let one = keygate::Quota::from("100/second".parse::<keygate::client::Rate>().unwrap());
    let several = ["100/second", "1000/day"].map(|rate| rate.parse().unwrap());
    for quota in [one, keygate::Quota::all_of(several).unwrap()] {
        let throttle = keygate::Throttle::new().with_default_quota(quota);
        let call = || throttle.check(&fixture.call("a 1").unwrap()).is_ok();
        assert!(call());
        let (allocated, all) = allocated(|| (0..50).all(|_| call()));
        assert!(all);
        assert_eq!(allocated.made, 0);
    }
}
