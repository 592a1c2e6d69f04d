use keygate::{Authenticator, KeyDigest, KeyRecord, MemoryStore, Usage};

use crate::usage::scene::Scene;

#[test]
fn snapshot_is_json_with_times_in_seconds() {
    let scene = Scene::new();
    scene.calls("a 1", 2);
    scene.turn_to(30.9);
    scene.calls("a expired", 1);
    let snapshot = serde_json::to_value(scene.usage.snapshot()).unwrap();
    let a = &snapshot["clients"][0];
    assert_eq!(snapshot["taken"], 1_800_000_030);
    assert_eq!(a["client"], "A");
    assert_eq!(a["requests"], 2);
    assert_eq!(a["refused"], serde_json::json!({ "expired": 1 }));
    assert_eq!((&a["first_seen"], &a["last_seen"]), (&1_800_000_000.into(), &1_800_000_030.into()));
    assert_eq!(a["rates"]["last_minute"], 2.0);
    assert_eq!(a["keys"].as_array().unwrap().len(), 2);
    let top = serde_json::to_value(scene.usage.top(1)).unwrap();
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
        "no_credentials",
        "revoked",
        "throttled",
        "too_many_failures",
        "unavailable",
        "unknown",
    ];
    assert_eq!(names, expected);
}

#[test]
fn client_of_another_name_is_another_client() {
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
    let scene = Scene::new();
    scene.calls("a 1", 1);
    scene.calls("nobody's", 1);
    let snapshot = scene.usage.snapshot();
    let json = serde_json::to_string(&snapshot).unwrap();
    for text in [json, format!("{snapshot:?}{:?}{:?}", scene.usage, scene.usage.top(1))] {
        assert!(!text.contains("a 1") && !text.contains("nobody's"), "{text}");
    }
}
