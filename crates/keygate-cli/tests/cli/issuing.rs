use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;

use crate::tool::{Sandbox, holds_key, id_of, is_key};

#[test]
fn only_the_new_key_is_on_standard_output() {
    let sandbox = Sandbox::with_client("App 1");
    let result = sandbox.run(["key", "issue", "App 1"]).succeeds();
    let key = result.out.strip_suffix('\n').unwrap();
    assert!(is_key(key) && key.starts_with("kg_"));
    assert_eq!(result.err, format!("issued {} of App 1, never expires\n", id_of(key)));
}

#[test]
fn file_holds_the_digest_and_not_the_key() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    assert!(sandbox.file().contains(&format!("sha256:{}", id_of(&key))));
    assert!(!sandbox.file().contains(&key) && !holds_key(&sandbox.file()));
}

#[test]
fn label_and_expiry_are_stored_and_reported() {
    let sandbox = Sandbox::with_client("App 1");
    let arguments = ["key", "issue", "App 1", "--label", "production", "--expires", "90d"];
    let result = sandbox.run(arguments).succeeds();
    assert!(result.err.ends_with(" (production) of App 1, expires in 90 days\n"), "{}", result.err);
    let key = &sandbox.keys()[0];
    assert_eq!((&key["label"], &key["state"]), (&"production".into(), &"active".into()));
    let [created, expires] =
        ["created", "expires"].map(|at| key[at].as_str().unwrap().parse::<Timestamp>().unwrap());
    // The tool reads the clock before the store does.
    let lifetime = expires.as_second() - created.as_second();
    assert!([0, 1].contains(&(90 * 24 * 60 * 60 - lifetime)), "{lifetime}");
}

#[test]
fn expiry_may_be_a_time_with_an_offset() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.issue(&["App 1", "--expires", "2099-12-31T02:00:00+02:00"]);
    assert_eq!(sandbox.keys()[0]["expires"], "2099-12-31T00:00:00Z");
}

#[test]
fn prefix_of_the_key_can_be_chosen() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1", "--prefix", "acme"]);
    assert!(key.starts_with("acme_") && is_key(&key));
}

#[test]
fn json_of_issue_is_one_object_with_the_key() {
    let sandbox = Sandbox::with_client("App 1");
    let arguments = ["key", "issue", "App 1", "--label", "\"x\"", "--expires", "12h", "--json"];
    let result = sandbox.run(arguments).succeeds();
    let issued = result.json();
    let key = issued["key"].as_str().unwrap();
    assert!(is_key(key));
    let listed = &sandbox.keys()[0];
    for field in ["key_id", "client", "label", "expires"] {
        assert_eq!(issued[field], listed[field], "{field}");
    }
    assert!(issued["created"].as_str().unwrap().parse::<Timestamp>().is_ok());
    assert_eq!(result.out.lines().count(), 1);
    assert!(result.err.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn out_writes_a_new_file_that_only_its_owner_can_read() {
    let sandbox = Sandbox::with_client("App 1");
    let result = sandbox.run(["key", "issue", "App 1", "--out", "key"]).succeeds();
    assert_eq!(result.out, "");
    assert!(result.err.ends_with("; the key is in the file key\n"), "{}", result.err);
    let key = sandbox.read("key");
    assert!(is_key(key.strip_suffix('\n').unwrap()));
    let mode = sandbox.path("key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    sandbox.run_with(key.as_bytes(), ["check"]).succeeds();
}

#[test]
fn json_does_not_hold_a_key_written_to_a_file() {
    let sandbox = Sandbox::with_client("App 1");
    let result = sandbox.run(["key", "issue", "App 1", "--out", "key", "--json"]).succeeds();
    assert!(!holds_key(&result.out));
    let issued = result.json();
    assert_eq!(issued["out"], "key");
    assert_eq!(issued["key_id"], id_of(sandbox.read("key").trim_end()));
    assert_eq!(issued.get("key"), None);
}

#[test]
fn issuing_for_a_disabled_client_warns() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.run(["client", "disable", "App 1"]).succeeds();
    let result = sandbox.run(["key", "issue", "App 1"]).succeeds();
    assert!(result.err.contains("warning: the client is disabled"), "{}", result.err);
}

#[test]
fn invalid_request_is_refused_before_a_key_is_shown() {
    let sandbox = Sandbox::with_client("App 1");
    let before = sandbox.file();
    let issue = |arguments: &[&str]| sandbox.run([&["key", "issue"], arguments].concat());
    issue(&["Ap 1"]).fails(1, "the nearest is `App 1`");
    issue(&["App 1", "--expires", "2020-01-01T00:00:00Z"]).fails(1, "has already passed");
    issue(&["App 1", "--label", " x"]).fails(1, "the label begins or ends with a blank");
    issue(&["App 1", "--expires", "0d"]).fails(2, "the duration is zero");
    issue(&["App 1", "--expires", "9999999d"]).fails(2, "after the year 9999");
    issue(&["App 1", "--expires", "2099-12-31"]).fails(2, "with its offset");
    issue(&["App 1", "--prefix", "Acme"]).fails(2, "begin with a letter");
    assert_eq!(sandbox.file(), before);
}
