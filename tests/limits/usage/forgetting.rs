use crate::usage::fixture::{Fixture, of};

const DAY: f64 = 86_400.0;

/// Requests of another client, until all others have been swept.
fn sweep_with_requests(fixture: &Fixture, from: f64) {
    for pause in 0..300 {
        fixture.set_seconds(from + 300.0 * f64::from(pause));
        fixture.calls("b 1", 1);
    }
}

#[test]
fn client_silent_for_40_days_is_forgotten_but_not_its_outcomes() {
    let fixture = Fixture::new();
    fixture.calls("a 1", 3);
    fixture.calls("a revoked", 2);
    sweep_with_requests(&fixture, 38.0 * DAY);
    assert_eq!(fixture.of("A").requests, 3, "not yet");

    sweep_with_requests(&fixture, 40.0 * DAY + 1.0);
    let snapshot = fixture.usage.snapshot();
    assert!(of(&snapshot, "A").is_none());
    assert_eq!(of(&snapshot, "B").unwrap().requests, 600);
    assert_eq!((snapshot.outcomes["admitted"], snapshot.outcomes["revoked"]), (603, 2));
}

#[test]
fn client_that_calls_once_a_month_is_remembered() {
    let fixture = Fixture::new();
    for month in 0..4 {
        let from = 31.0 * DAY * f64::from(month);
        fixture.set_seconds(from);
        fixture.calls("a 1", 1);
        sweep_with_requests(&fixture, from);
    }
    assert_eq!(fixture.of("A").requests, 4);
}
