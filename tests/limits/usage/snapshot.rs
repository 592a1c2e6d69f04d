use keygate::{Authenticator, KeyDigest, KeyRecord, MemoryStore, Usage};

use crate::usage::fixture::Fixture;

#[test]
fn snapshot_is_json_with_times_in_seconds() {
    let fixture = Fixture::new();
    fixture.calls("a 1", 2);
    fixture.set_seconds(30.9);
    fixture.calls("a expired", 1);
    let snapshot = serde_json::to_value(fixture.usage.snapshot()).unwrap();
    let a = &snapshot["clients"][0];
    assert_eq!(snapshot["taken"], 1_800_000_030);
    assert_eq!(a["client"], "A");
    assert_eq!(a["requests"], 2);
    assert_eq!(a["refused"], serde_json::json!({ "expired": 1 }));
    assert_eq!((&a["first_seen"], &a["last_seen"]), (&1_800_000_000.into(), &1_800_000_030.into()));
    assert_eq!(a["rates"]["last_minute"], 2.0);
    assert_eq!(a["keys"].as_array().unwrap().len(), 2);
    let top = serde_json::to_value(fixture.usage.top(1)).unwrap();
    let expected = serde_json::json!(
        [{ "client": "A", "per_minute": 2.0, "per_minute_before": null }]
    );
    assert_eq!(top, expected);
}

#[test]
fn outcomes_have_all_names_from_the_start() {
    let outcomes = Usage::new().snapshot().outcomes;
    let names: Vec<_> = outcomes.keys().copied().collect();
    let expected = [
        "admitted",
        "ambiguous",
        "disabled",
        "expired",
        "insufficient_scope",
        "malformed",
        "misconfigured",
        "network",
        "no_credentials",
        "not_yet_valid",
        "replaced",
        "revoked",
        "sent_in_clear",
        "throttled",
        "too_many_failures",
        "unavailable",
        "unknown",
    ];
    assert_eq!(names, expected);
}

#[test]
fn client_with_another_name_is_counted_separately() {
    let usage = Usage::new();
    for name in ["Old", "New"] {
        let store = MemoryStore::new();
        store.insert_record(KeyRecord::new(KeyDigest::of(b"key"), name)).unwrap();
        let auth = Authenticator::new(store).add_observer(usage.clone());
        auth.verify_key(b"key").unwrap();
    }
    let snapshot = usage.snapshot();
    let counts: Vec<_> = snapshot
        .clients
        .iter()
        .map(|usage| (usage.client.as_str(), usage.activity.requests))
        .collect();
    assert_eq!(counts, [("New", 1), ("Old", 1)]);
}

#[test]
fn no_key_shows() {
    let fixture = Fixture::new();
    fixture.calls("a 1", 1);
    fixture.calls("nobody's", 1);
    let snapshot = fixture.usage.snapshot();
    let json = serde_json::to_string(&snapshot).unwrap();
    for text in [json, format!("{snapshot:?}{:?}{:?}", fixture.usage, fixture.usage.top(1))] {
        assert!(!text.contains("a 1") && !text.contains("nobody's"), "{text}");
    }
}
