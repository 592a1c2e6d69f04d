use keygate::observe::Rates;

use crate::usage::fixture::Fixture;

fn rates(rates: Rates) -> [f64; 3] {
    [rates.last_minute, rates.last_5_minutes, rates.last_60_minutes]
}

fn assert_rates(fixture: &Fixture, client: &str, expected: [f64; 3]) {
    let rates = rates(fixture.of(client).rates);
    let near = rates.iter().zip(expected).all(|(rate, expected)| (rate - expected).abs() < 1e-9);
    assert!(near, "{rates:?} is not {expected:?}");
}

#[test]
fn even_stream_has_its_rate_at_every_instant() {
    let fixture = Fixture::new();
    // One request per second, including the current second.
    for second in 0..7_200 {
        fixture.set_seconds(f64::from(second));
        fixture.calls("a 1", 1);
        if second > 3_600 && second % 97 == 0 {
            let [minute, five, hour] = rates(fixture.of("A").rates);
            let within = |rate: f64, bound: f64| (rate - 60.0).abs() <= bound + 1e-9;
            assert!(within(minute, 1.0), "{second}: {minute}");
            assert!(within(five, 0.2), "{second}: {five}");
            assert!(within(hour, 1.0 / 60.0), "{second}: {hour}");
        }
    }
}

#[test]
fn requests_leave_the_windows_gradually() {
    let fixture = Fixture::new();
    fixture.calls("a 1", 600);
    assert_rates(&fixture, "A", [600.0, 120.0, 10.0]);
    fixture.set_seconds(60.0);
    assert_rates(&fixture, "A", [600.0, 120.0, 10.0]);
    // They all came in the first part of 5 seconds, and leave the window gradually while this part leaves it.
    fixture.set_seconds(62.5);
    assert_rates(&fixture, "A", [300.0, 120.0, 10.0]);
    fixture.set_seconds(65.0);
    assert_rates(&fixture, "A", [0.0, 120.0, 10.0]);
    fixture.set_seconds(300.0);
    assert_rates(&fixture, "A", [0.0, 120.0, 10.0]);
    fixture.set_seconds(325.0);
    assert_rates(&fixture, "A", [0.0, 0.0, 10.0]);
    fixture.set_seconds(3_600.0);
    assert_rates(&fixture, "A", [0.0, 0.0, 10.0]);
    fixture.set_seconds(3_600.0 + 150.0);
    assert_rates(&fixture, "A", [0.0, 0.0, 5.0]);
    fixture.set_seconds(3_900.0);
    assert_rates(&fixture, "A", [0.0, 0.0, 0.0]);
}

#[test]
fn long_silence_resets_the_rates() {
    let fixture = Fixture::new();
    for silence in [70.0, 81.0, 400.0, 3_000.0, 4_000.0, 4_900.0, 100_000.0] {
        let before = Fixture::new();
        before.calls("a 1", 1_000);
        before.set_seconds(silence);
        before.calls("a 1", 3);
        assert_eq!(before.of("A").rates.last_minute, 3.0, "{silence}");
    }
    fixture.calls("a 1", 1_000);
    fixture.set_seconds(100_000.0);
    fixture.calls("a 1", 6);
    assert_rates(&fixture, "A", [6.0, 1.2, 0.1]);
}

#[test]
fn refused_keys_have_no_rate() {
    let fixture = Fixture::new();
    fixture.calls("a revoked", 10);
    assert_rates(&fixture, "A", [0.0; 3]);
}

#[test]
fn clock_set_back_restarts_the_rates_and_keeps_the_counts() {
    let fixture = Fixture::new();
    fixture.set_seconds(10_000.0);
    fixture.calls("a 1", 50);
    fixture.set_seconds(5_000.0);
    fixture.calls("a 1", 7);
    assert_rates(&fixture, "A", [7.0, 1.4, 7.0 / 60.0]);
    assert_eq!(fixture.of("A").requests, 57);
}

#[test]
fn busiest_client_is_first_with_its_rate_before() {
    let fixture = Fixture::new();
    // B sends ten requests a minute for an hour, C ten in all, and A only in the last minute.
    for minute in 0..60 {
        fixture.set_seconds(f64::from(minute) * 60.0);
        fixture.calls("b 1", 10);
    }
    fixture.set_seconds(60.0);
    fixture.calls("c 1", 10);
    fixture.set_seconds(3_595.0);
    fixture.calls("a 1", 40);
    fixture.calls("a 2", 60);
    let top = fixture.usage.top(10);
    let names: Vec<_> = top.iter().map(|top| top.client.as_str()).collect();
    assert_eq!(names, ["A", "B"], "C is silent now");
    assert_eq!((top[0].per_minute, top[0].per_minute_before), (100.0, Some(0.0)));
    assert_eq!(top[0].ratio(), None);
    // 590 in 58 minutes and 55 seconds.
    let before = 590.0 / (3_535.0 / 60.0);
    assert_eq!((top[1].per_minute, top[1].per_minute_before), (10.0, Some(before)));
    assert_eq!(top[1].ratio(), Some(10.0 / before));
    assert_eq!(fixture.usage.top(1), top[..1]);
}

#[test]
fn steady_client_has_its_rate_soon_after_the_start() {
    let fixture = Fixture::new();
    for second in 0..4_200 {
        fixture.set_seconds(f64::from(second));
        fixture.calls("a 1", 1);
        let top = fixture.usage.top(1);
        let ratio = top[0].ratio();
        match second {
            // The rate before is unknown while it covers less than a minute.
            0..120 => assert_eq!((top[0].per_minute_before, ratio), (None, None), "{second}"),
            _ => assert!((0.9..1.1).contains(&ratio.unwrap()), "{second}: {ratio:?}"),
        }
    }
}
