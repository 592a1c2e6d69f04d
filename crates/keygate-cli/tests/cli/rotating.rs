use jiff::Timestamp;
use serde_json::Value;

use crate::tool::{Sandbox, holds_key, id_of, is_key};

const OLD: &str = "2c26b46b68ffc68f";

/// Creates a file with one key, and adds these lines to the key.
fn with_key(more: &str) -> Sandbox {
    let digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    Sandbox::with_file(&format!(
        "clients:\n  App 1:\n    keys:\n      - digest: sha256:{digest}\n        label: production\n{more}"
    ))
}

fn at(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<Timestamp>().unwrap().as_second()
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

#[test]
fn rotated_key_works_until_the_grace_period_ends() {
    let sandbox = with_key("");
    let result = sandbox.run(["key", "rotate", OLD, "--grace", "7d"]).succeeds();
    let key = result.out.strip_suffix('\n').unwrap();
    assert!(is_key(key) && !holds_key(&sandbox.file()));
    let id = id_of(key);
    let note = format!(
        "issued {id} (production) of App 1, never expires, to replace {OLD}, which works until "
    );
    assert!(result.err.starts_with(&note), "{}", result.err);

    let keys = sandbox.keys();
    let old = keys.iter().find(|key| key["key_id"] == OLD).unwrap();
    let new = keys.iter().find(|key| key["key_id"] == id.as_str()).unwrap();
    assert_eq!((&old["state"], &old["replaced_by"]), (&"replaced".into(), &id.clone().into()));
    assert!((now() - at(&old["expires"]) + 7 * 24 * 60 * 60).abs() < 60);
    assert_eq!((&new["state"], &new["label"]), (&"active".into(), &"production".into()));
    sandbox.run_with(key.as_bytes(), ["check"]).succeeds();
}

#[test]
fn default_grace_is_a_day() {
    let sandbox = with_key("");
    sandbox.run(["key", "rotate", OLD]).succeeds();
    let old = sandbox.keys().into_iter().find(|key| key["key_id"] == OLD).unwrap();
    assert!((now() - at(&old["expires"]) + 24 * 60 * 60).abs() < 60);
}

#[test]
fn grace_of_zero_ends_the_old_key_now() {
    let sandbox = Sandbox::with_client("App 1");
    let old = sandbox.issue(&["App 1"]);
    let result = sandbox.run(["key", "rotate", &id_of(&old), "--grace", "0s"]).succeeds();
    assert!(result.err.ends_with(", which no longer works\n"), "{}", result.err);
    let result = sandbox.run_with(old.as_bytes(), ["check"]);
    assert_eq!(result.code, 1);
    assert!(result.out.contains("has expired"), "{}", result.out);
}

#[test]
fn successor_gets_the_lifetime_of_the_old_key() {
    let sandbox =
        with_key("        created: 2026-01-01T00:00:00Z\n        expires: 2098-12-31T00:00:00Z\n");
    let result = sandbox.run(["key", "rotate", OLD, "--json"]).succeeds();
    assert!(result.err.contains("the lifetime of the old one, 73 years"), "{}", result.err);
    let new = result.json();
    let lifetime = at(&"2098-12-31T00:00:00Z".into()) - at(&"2026-01-01T00:00:00Z".into());
    assert_eq!(at(&new["expires"]) - at(&new["created"]), lifetime);
    assert_eq!(new["replaces"], OLD);
}

#[test]
fn note_explains_an_expiry_taken_from_the_old_key() {
    let note = |lines: &str| with_key(lines).run(["key", "rotate", OLD]).succeeds().err;
    let unknown = note("        expires: 2098-12-31T00:00:00Z\n");
    let expected = "the new key expires together with the old one, whose lifetime is unknown";
    assert!(unknown.contains(expected), "{unknown}");
    let expected = "the new key expires together with the old one, because the same lifetime from now would end after \
                    the year 9999";
    let long =
        note("        created: 2026-01-01T00:00:00Z\n        expires: 9999-12-31T00:00:00Z\n");
    assert!(long.contains(expected), "{long}");
}

#[test]
fn successor_of_a_fresh_key_gets_its_lifetime() {
    let sandbox = Sandbox::with_client("App 1");
    let old = id_of(&sandbox.issue(&["App 1", "--expires", "73d"]));
    let result = sandbox.run(["key", "rotate", &old]).succeeds();
    assert!(result.err.contains("the lifetime of the old one, 73 days"), "{}", result.err);
}

#[test]
fn given_expiry_overrides_the_old_lifetime() {
    let lines = "        created: 2026-01-01T00:00:00Z\n        expires: 2098-12-31T00:00:00Z\n";
    let expires = |arguments: &[&str]| {
        let sandbox = with_key(lines);
        let rotate = [&["key", "rotate", OLD, "--json"], arguments].concat();
        sandbox.run(rotate).succeeds().json()["expires"].clone()
    };
    assert_eq!(expires(&["--no-expiry"]), Value::Null);
    assert_eq!(expires(&["--expires", "2097-01-01T00:00:00Z"]), "2097-01-01T00:00:00Z");
}

#[test]
fn successor_of_a_key_of_unknown_age_gets_its_expiry() {
    for created in ["", "        created: 2098-12-31T00:00:00Z\n"] {
        let sandbox = with_key(&format!("{created}        expires: 2098-12-31T00:00:00Z\n"));
        let result = sandbox.run(["key", "rotate", OLD, "--json"]).succeeds();
        assert!(result.err.contains("expires together with the old one"), "{}", result.err);
        let new = result.json();
        assert_eq!(new["expires"], "2098-12-31T00:00:00Z");
        let listed = sandbox.keys().into_iter().find(|key| key["key_id"] == new["key_id"]).unwrap();
        assert_eq!(listed["expires"], new["expires"]);
    }
}

#[test]
fn successor_can_have_another_label() {
    let sandbox = with_key("");
    let new = sandbox.run(["key", "rotate", OLD, "--label", "new", "--json"]).succeeds().json();
    assert_eq!(new["label"], "new");
}

#[test]
fn rotation_conflict_is_reported_before_a_key_is_shown() {
    let cases = [
        ("        revoked: 2026-11-01T12:00:00Z\n", "which is permanent"),
        ("        expires: 2026-01-01T00:00:00Z\n", "has expired"),
    ];
    for (more, reason) in cases {
        let sandbox = with_key(more);
        let before = sandbox.file();
        sandbox.run(["key", "rotate", OLD]).fails(1, reason);
        assert_eq!(sandbox.file(), before);
    }
    let sandbox = with_key("");
    let successor = id_of(sandbox.run(["key", "rotate", OLD]).succeeds().out.trim_end());
    let reason = format!("was already replaced by {successor}");
    sandbox.run(["key", "rotate", OLD]).fails(1, &reason);
    sandbox.run(["key", "rotate", "2c26b46b68ffc680"]).fails(1, &format!("the nearest is `{OLD}`"));
    sandbox
        .run(["key", "rotate", &successor, "--grace", "99999999w"])
        .fails(2, "after the year 9999");
}
