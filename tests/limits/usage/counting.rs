use std::collections::BTreeMap;
use std::thread;

use http::{HeaderMap, Response};
use keygate::{Authenticator, KeyDigest, MemoryStore, Source, Usage};

use crate::usage::fixture::{Fixture, at, of};

#[test]
fn client_is_the_sum_of_its_keys() {
    let fixture = Fixture::new();
    fixture.calls("a 1", 3);
    fixture.set_seconds(7.5);
    fixture.calls("a 2", 2);
    fixture.set_seconds(9.0);
    fixture.calls("a revoked", 1);
    fixture.set_seconds(10.0);
    fixture.calls("b 1", 1);

    let snapshot = fixture.usage.snapshot();
    assert_eq!((snapshot.since, snapshot.taken), (at(0.0), at(10.0)));
    let names: Vec<_> = snapshot.clients.iter().map(|usage| &usage.client).collect();
    assert_eq!(names, ["A", "B"]);
    let a = &snapshot.clients[0];
    assert_eq!(a.activity.requests, 5);
    assert_eq!((a.activity.first_seen, a.activity.last_seen), (at(0.0), at(9.0)));
    let keys: Vec<_> = a
        .keys
        .iter()
        .map(|key| (key.key_id, key.activity.requests, key.activity.first_seen))
        .collect();
    let id = |key: &str| {
        let text = KeyDigest::of(key.as_bytes()).to_text();
        text["sha256:".len()..][..16].parse().unwrap()
    };
    assert_eq!(
        keys,
        [(id("a 1"), 3, at(0.0)), (id("a 2"), 2, at(7.5)), (id("a revoked"), 0, at(9.0))]
    );
}

#[test]
fn refusals_are_counted_by_kind_where_the_key_is_known() {
    let fixture = Fixture::new();
    fixture.calls("a expired", 2);
    fixture.calls("a revoked", 3);
    fixture.calls("b disabled", 4);
    let client = fixture.call("b 1").unwrap();
    let _: Response<String> = fixture.auth.respond(&client.require("orders:read").unwrap_err());

    let a = fixture.of("A");
    assert_eq!((a.requests, a.refused), (0, BTreeMap::from([("expired", 2), ("revoked", 3)])));
    let b = fixture.of("B");
    // The scope is checked after the key was admitted.
    let refused = BTreeMap::from([("disabled", 4), ("insufficient_scope", 1)]);
    assert_eq!((b.requests, b.refused), (1, refused));
}

#[cfg(feature = "throttle")]
#[test]
fn throttled_requests_count_as_requests() {
    let fixture = Fixture::new();
    let throttle = keygate::Throttle::new().with_default_quota("1/day".parse().unwrap());
    for _ in 0..5 {
        let client = fixture.call("c 1").unwrap();
        if let Err(error) = throttle.check(&client) {
            let _: Response<String> = fixture.auth.respond(&error);
        }
    }
    let c = fixture.of("C");
    assert_eq!((c.requests, c.refused), (5, BTreeMap::from([("throttled", 4)])));
    assert_eq!(c.rates.last_minute, 5.0);
}

#[test]
fn unknown_keys_are_only_counted_by_outcome() {
    let usage = Usage::new();
    let auth = Authenticator::new(MemoryStore::new())
        .with_sources([Source::header("x-api-key")])
        .unwrap()
        .add_observer(usage.clone());
    for number in 0..1_000 {
        let _ = auth.verify_key(format!("nobody's {number}").as_bytes());
    }
    let _ = auth.verify_key(b" ");
    let _ = auth.verify_key(&[b'x'; 600]);
    let twice = ["x-api-key"; 2].map(|name| (name.parse().unwrap(), "twice".parse().unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in twice {
        headers.append::<http::HeaderName>(name, value);
    }
    let _ = auth.verify(&headers);

    let snapshot = usage.snapshot();
    assert!(snapshot.clients.is_empty() && usage.top(10).is_empty());
    let counted: Vec<_> = snapshot.outcomes.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        counted,
        [("ambiguous", 1), ("malformed", 1), ("no_credentials", 1), ("unknown", 1_000)]
    );
}

#[tokio::test]
async fn store_failures_are_counted() {
    let usage = Usage::new();
    let failing =
        keygate::store::store_fn(|_| async { Err(keygate::StoreError::new("connection refused")) });
    let auth = Authenticator::new(failing).add_observer(usage.clone());
    assert!(auth.authenticate_key(b"a 1").await.is_err());
    assert_eq!(usage.snapshot().outcomes["unavailable"], 1);
}

#[test]
fn outcomes_are_the_sum_of_all_callers() {
    let fixture = Fixture::new();
    fixture.calls("a 1", 2);
    fixture.calls("b 1", 3);
    fixture.calls("a expired", 1);
    fixture.calls("nobody's", 4);
    let outcomes = fixture.usage.snapshot().outcomes;
    assert_eq!(
        (outcomes["admitted"], outcomes["expired"], outcomes["unknown"], outcomes["revoked"]),
        (5, 1, 4, 0)
    );
}

#[test]
fn four_threads_lose_no_count() {
    const EACH: usize = 20_000;
    let fixture = Fixture::new();
    thread::scope(|scope| {
        for thread in 0..4 {
            let fixture = &fixture;
            scope.spawn(move || {
                for number in 0..EACH {
                    // The clock moves, so that new parts of the windows start.
                    if thread == 0 && number % 1_000 == 0 {
                        fixture.set_seconds(f64::from(u32::try_from(number / 1_000).unwrap()));
                    }
                    fixture.calls("a 1", 1);
                    fixture.calls(["a 2", "b 1", "c 1", "nobody's"][thread], 1);
                }
            });
        }
    });
    let snapshot = fixture.usage.snapshot();
    let of = |client| of(&snapshot, client).unwrap().requests;
    let each = u64::try_from(EACH).unwrap();
    assert_eq!([of("A"), of("B"), of("C")], [5 * each, each, each]);
    assert_eq!(snapshot.outcomes["unknown"], each);
    assert_eq!(snapshot.outcomes["admitted"], 7 * each);
    // All of it was within 20 seconds.
    assert_eq!(fixture.of("A").rates.last_minute, 100_000.0);
}

#[test]
fn clones_share_what_they_count() {
    let fixture = Fixture::new();
    let clone = fixture.usage.clone();
    fixture.calls("a 1", 1);
    assert_eq!(clone.snapshot().clients.len(), 1);
}

#[test]
fn requests_with_a_replaced_key_count_as_requests() {
    let store = MemoryStore::new();
    let digest = KeyDigest::of(b"old");
    store.insert_record(keygate::KeyRecord::new(digest, "A").with_replaced(true)).unwrap();
    let usage = Usage::new();
    let auth = Authenticator::new(store).add_observer(usage.clone());
    for _ in 0..3 {
        assert!(auth.verify_key(b"old").unwrap().is_replaced());
    }
    let snapshot = usage.snapshot();
    let activity = &snapshot.clients[0].activity;
    assert_eq!((activity.requests, activity.replaced, activity.refused.len()), (3, 3, 0));
    assert_eq!((snapshot.outcomes["admitted"], snapshot.outcomes["replaced"]), (3, 3));
    assert!((activity.rates.last_minute - 3.0).abs() < f64::EPSILON);
}
