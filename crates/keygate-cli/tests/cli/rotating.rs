use jiff::Timestamp;
use serde_json::Value;

use crate::tool::{Place, holds_key, id_of, is_key};

const OLD: &str = "2c26b46b68ffc68f";

/// A file with one key, of which these lines say more.
fn with_key(more: &str) -> Place {
    let digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    Place::with_file(&format!(
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
    let place = with_key("");
    let answer = place.run(["key", "rotate", OLD, "--grace", "7d"]).succeeds();
    let key = answer.out.strip_suffix('\n').unwrap();
    assert!(is_key(key) && !holds_key(&place.file()));
    let id = id_of(key);
    let note = format!(
        "issued {id} (production) of App 1, never expires, in place of {OLD}, which works until "
    );
    assert!(answer.err.starts_with(&note), "{}", answer.err);

    let keys = place.keys();
    let old = keys.iter().find(|key| key["key_id"] == OLD).unwrap();
    let new = keys.iter().find(|key| key["key_id"] == id.as_str()).unwrap();
    assert_eq!((&old["state"], &old["replaced_by"]), (&"replaced".into(), &id.clone().into()));
    assert!((now() - at(&old["expires"]) + 7 * 24 * 60 * 60).abs() < 60);
    assert_eq!((&new["state"], &new["label"]), (&"active".into(), &"production".into()));
    place.run_with(key.as_bytes(), ["check"]).succeeds();
}

#[test]
fn grace_is_a_day_unless_said() {
    let place = with_key("");
    place.run(["key", "rotate", OLD]).succeeds();
    let old = place.keys().into_iter().find(|key| key["key_id"] == OLD).unwrap();
    assert!((now() - at(&old["expires"]) + 24 * 60 * 60).abs() < 60);
}

#[test]
fn grace_of_zero_ends_the_old_key_now() {
    let place = Place::with_client("App 1");
    let old = place.issue(&["App 1"]);
    let answer = place.run(["key", "rotate", &id_of(&old), "--grace", "0s"]).succeeds();
    assert!(answer.err.ends_with(", which has ended\n"), "{}", answer.err);
    let answer = place.run_with(old.as_bytes(), ["check"]);
    assert_eq!(answer.code, 1);
    assert!(answer.out.contains("has expired"), "{}", answer.out);
}

#[test]
fn successor_gets_the_lifetime_of_the_old_key() {
    let place =
        with_key("        created: 2026-01-01T00:00:00Z\n        expires: 2098-12-31T00:00:00Z\n");
    let answer = place.run(["key", "rotate", OLD, "--json"]).succeeds();
    assert!(answer.err.contains("the lifetime of the old one, 73 years"), "{}", answer.err);
    let new = answer.json();
    let lifetime = at(&"2098-12-31T00:00:00Z".into()) - at(&"2026-01-01T00:00:00Z".into());
    assert_eq!(at(&new["expires"]) - at(&new["created"]), lifetime);
    assert_eq!(new["replaces"], OLD);
}

#[test]
fn note_says_why_the_successor_expires_with_the_old_key() {
    let note = |lines: &str| with_key(lines).run(["key", "rotate", OLD]).succeeds().err;
    let unknown = note("        expires: 2098-12-31T00:00:00Z\n");
    let expected = "the new key expires with the old one, whose lifetime is not known";
    assert!(unknown.contains(expected), "{unknown}");
    let expected = "the new key expires with the old one, because its lifetime from now on would end \
                    after the year 9999";
    let long =
        note("        created: 2026-01-01T00:00:00Z\n        expires: 9999-12-31T00:00:00Z\n");
    assert!(long.contains(expected), "{long}");
}

#[test]
fn successor_of_a_key_made_just_now_gets_its_lifetime() {
    let place = Place::with_client("App 1");
    let old = id_of(&place.issue(&["App 1", "--expires", "73d"]));
    let answer = place.run(["key", "rotate", &old]).succeeds();
    assert!(answer.err.contains("the lifetime of the old one, 73 days"), "{}", answer.err);
}

#[test]
fn expiry_that_is_said_goes_before_the_old_lifetime() {
    let lines = "        created: 2026-01-01T00:00:00Z\n        expires: 2098-12-31T00:00:00Z\n";
    let expires = |arguments: &[&str]| {
        let place = with_key(lines);
        let rotate = [&["key", "rotate", OLD, "--json"], arguments].concat();
        place.run(rotate).succeeds().json()["expires"].clone()
    };
    assert_eq!(expires(&["--no-expiry"]), Value::Null);
    assert_eq!(expires(&["--expires", "2097-01-01T00:00:00Z"]), "2097-01-01T00:00:00Z");
}

#[test]
fn successor_of_a_key_of_unknown_age_has_its_expiry() {
    for created in ["", "        created: 2098-12-31T00:00:00Z\n"] {
        let place = with_key(&format!("{created}        expires: 2098-12-31T00:00:00Z\n"));
        let answer = place.run(["key", "rotate", OLD, "--json"]).succeeds();
        assert!(answer.err.contains("expires with the old one"), "{}", answer.err);
        let new = answer.json();
        assert_eq!(new["expires"], "2098-12-31T00:00:00Z");
        let listed = place.keys().into_iter().find(|key| key["key_id"] == new["key_id"]).unwrap();
        assert_eq!(listed["expires"], new["expires"]);
    }
}

#[test]
fn successor_may_have_a_label_of_its_own() {
    let place = with_key("");
    let new = place.run(["key", "rotate", OLD, "--label", "new", "--json"]).succeeds().json();
    assert_eq!(new["label"], "new");
}

#[test]
fn key_that_cannot_be_rotated_is_refused_before_a_key_is_shown() {
    let cases = [
        ("        revoked: 2026-11-01T12:00:00Z\n", "revoked is final"),
        ("        expires: 2026-01-01T00:00:00Z\n", "has expired"),
    ];
    for (more, reason) in cases {
        let place = with_key(more);
        let before = place.file();
        place.run(["key", "rotate", OLD]).fails(1, reason);
        assert_eq!(place.file(), before);
    }
    let place = with_key("");
    let successor = id_of(place.run(["key", "rotate", OLD]).succeeds().out.trim_end());
    let reason = format!("is being replaced by {successor} already");
    place.run(["key", "rotate", OLD]).fails(1, &reason);
    place.run(["key", "rotate", "2c26b46b68ffc680"]).fails(1, &format!("the nearest is `{OLD}`"));
    place
        .run(["key", "rotate", &successor, "--grace", "99999999w"])
        .fails(2, "beyond the end of 9999");
}
