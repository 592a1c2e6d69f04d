use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;

use crate::tool::{Place, holds_key, id_of, is_key};

#[test]
fn new_key_alone_is_on_standard_output() {
    let place = Place::with_client("App 1");
    let answer = place.run(["key", "issue", "App 1"]).succeeds();
    let key = answer.out.strip_suffix('\n').unwrap();
    assert!(is_key(key) && key.starts_with("kg_"));
    assert_eq!(answer.err, format!("issued {} of App 1, never expires\n", id_of(key)));
}

#[test]
fn file_holds_the_digest_and_not_the_key() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1"]);
    assert!(place.file().contains(&format!("sha256:{}", id_of(&key))));
    assert!(!place.file().contains(&key) && !holds_key(&place.file()));
}

#[test]
fn label_and_expiry_are_filed_and_said() {
    let place = Place::with_client("App 1");
    let arguments = ["key", "issue", "App 1", "--label", "production", "--expires", "90d"];
    let answer = place.run(arguments).succeeds();
    assert!(answer.err.ends_with(" (production) of App 1, expires in 90 days\n"), "{}", answer.err);
    let key = &place.keys()[0];
    assert_eq!((&key["label"], &key["state"]), (&"production".into(), &"active".into()));
    let [created, expires] =
        ["created", "expires"].map(|at| key[at].as_str().unwrap().parse::<Timestamp>().unwrap());
    assert_eq!(expires.as_second() - created.as_second(), 90 * 24 * 60 * 60);
}

#[test]
fn expiry_may_be_a_time_with_an_offset() {
    let place = Place::with_client("App 1");
    place.issue(&["App 1", "--expires", "2099-12-31T02:00:00+02:00"]);
    assert_eq!(place.keys()[0]["expires"], "2099-12-31T00:00:00Z");
}

#[test]
fn prefix_of_the_key_can_be_chosen() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1", "--prefix", "acme"]);
    assert!(key.starts_with("acme_") && is_key(&key));
}

#[test]
fn json_is_one_object_with_the_key_and_all_that_is_known_of_it() {
    let place = Place::with_client("App 1");
    let arguments = ["key", "issue", "App 1", "--label", "\"x\"", "--expires", "12h", "--json"];
    let answer = place.run(arguments).succeeds();
    let issued = answer.json();
    let key = issued["key"].as_str().unwrap();
    assert!(is_key(key));
    let listed = &place.keys()[0];
    for field in ["key_id", "client", "label", "expires"] {
        assert_eq!(issued[field], listed[field], "{field}");
    }
    assert!(issued["created"].as_str().unwrap().parse::<Timestamp>().is_ok());
    assert_eq!(answer.out.lines().count(), 1);
    assert!(answer.err.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn out_writes_the_key_to_a_new_file_for_its_owner_alone() {
    let place = Place::with_client("App 1");
    let answer = place.run(["key", "issue", "App 1", "--out", "key"]).succeeds();
    assert_eq!(answer.out, "");
    assert!(answer.err.ends_with("; it is in key\n"), "{}", answer.err);
    let key = place.read("key");
    assert!(is_key(key.strip_suffix('\n').unwrap()));
    let mode = place.path("key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    place.run_with(key.as_bytes(), ["check"]).succeeds();
}

#[test]
fn json_beside_a_file_does_not_hold_the_key() {
    let place = Place::with_client("App 1");
    let answer = place.run(["key", "issue", "App 1", "--out", "key", "--json"]).succeeds();
    assert!(!holds_key(&answer.out));
    let issued = answer.json();
    assert_eq!(issued["out"], "key");
    assert_eq!(issued["key_id"], id_of(place.read("key").trim_end()));
    assert_eq!(issued.get("key"), None);
}

#[test]
fn key_of_a_disabled_client_comes_with_a_warning() {
    let place = Place::with_client("App 1");
    place.run(["client", "disable", "App 1"]).succeeds();
    let answer = place.run(["key", "issue", "App 1"]).succeeds();
    assert!(answer.err.contains("warning: the client is disabled"), "{}", answer.err);
}

#[test]
fn what_would_be_refused_is_refused_before_a_key_is_shown() {
    let place = Place::with_client("App 1");
    let before = place.file();
    let issue = |arguments: &[&str]| place.run([&["key", "issue"], arguments].concat());
    issue(&["Ap 1"]).fails(1, "the nearest is `App 1`");
    issue(&["App 1", "--expires", "2020-01-01T00:00:00Z"]).fails(1, "has passed already");
    issue(&["App 1", "--label", " x"]).fails(1, "the label does not fit");
    issue(&["App 1", "--expires", "0d"]).fails(2, "the duration is zero");
    issue(&["App 1", "--expires", "9999999d"]).fails(2, "beyond the end of 9999");
    issue(&["App 1", "--expires", "2099-12-31"]).fails(2, "with its offset");
    issue(&["App 1", "--prefix", "Acme"]).fails(2, "begins with a letter");
    assert_eq!(place.file(), before);
}
