use serde_json::json;

use crate::tool::{Place, id_of};

#[test]
fn client_has_what_was_said_of_it() {
    let place = Place::new();
    let added = place
        .run([
            "client",
            "add",
            "App 1",
            "--scope",
            "orders:read",
            "--scope",
            "stock:*",
            "--quota",
            "100/minute",
            "--metadata",
            "team=billing",
            "--metadata",
            "url=a=b",
            "--json",
        ])
        .succeeds()
        .json();
    let expected = json!({
        "name": "App 1",
        "enabled": true,
        "keys": 0,
        "scopes": ["orders:read", "stock:*"],
        "quota": "100/minute",
        "metadata": {"team": "billing", "url": "a=b"},
    });
    assert_eq!(added, expected);
    assert_eq!(place.run(["client", "list", "--json"]).succeeds().json(), json!([expected]));
}

#[test]
fn note_of_a_change_is_on_standard_error() {
    let place = Place::new();
    let answer = place.run(["client", "add", "App 1"]).succeeds();
    assert_eq!(answer.out, "");
    assert!(answer.err.starts_with("added App 1"), "{}", answer.err);
}

#[test]
fn table_of_clients_is_aligned() {
    let place = Place::with_client("Größe 日本");
    place.run(["client", "add", "App 1", "--scope", "a", "--quota", "unlimited"]).succeeds();
    place.issue(&["App 1"]);
    place.run(["client", "disable", "Größe 日本"]).succeeds();
    let answer = place.run(["client", "list"]).succeeds();
    assert_eq!(
        answer.out,
        "CLIENT      ENABLED  KEYS  SCOPES  QUOTA\n\
         App 1       yes      1     a       unlimited\n\
         Größe 日本  no       0\n"
    );
}

#[test]
fn odd_names_are_kept_as_they_are() {
    let names = ["-dash", "--json", "# no comment", "a: b", "'\"", "null", "1e10", "🔑", "a\\b"];
    let place = Place::new();
    for name in names {
        place.run(["client", "add", "--", name]).succeeds();
        let key = place.issue(&["--", name]);
        let id = id_of(&key);
        let answer = place.run_with(key.as_bytes(), ["check"]).succeeds();
        assert_eq!(answer.out, format!("valid: {id} of {name}, never expires\n"));
    }
    let listed = place.run(["client", "list", "--json"]).succeeds().json();
    assert_eq!(listed.as_array().unwrap().len(), names.len());
}

#[test]
fn names_that_break_a_rule_are_refused() {
    let place = Place::new();
    let long = "n".repeat(129);
    for (name, reason) in [
        ("", "has no name"),
        (" x", "begins or ends with a blank"),
        ("a\nb", "control character"),
        (&long, "longer than 128"),
    ] {
        place.run(["client", "add", name]).fails(1, reason);
    }
}

#[test]
fn second_client_of_a_name_is_refused() {
    let place = Place::with_client("App 1");
    place.run(["client", "add", "App 1"]).fails(1, "choose another name");
}

#[test]
fn arguments_that_break_the_grammar_are_wrong_usage() {
    let place = Place::new();
    let add = |arguments: &[&str]| place.run([&["client", "add", "App 1"], arguments].concat());
    add(&["--scope", "Orders"]).fails(2, "--scope <SCOPE>: segment 1");
    add(&["--quota", "100"]).fails(2, "100/minute");
    add(&["--metadata", "team"]).fails(2, "NAME=VALUE");
    add(&["--metadata", "=x"]).fails(2, "NAME=VALUE");
    add(&["--metadata", "a=1", "--metadata", "a=2"]).fails(2, "given twice");
}

#[test]
fn disabled_client_is_refused_until_it_is_enabled() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1"]);
    place.run(["client", "disable", "App 1"]).succeeds();
    let answer = place.run_with(key.as_bytes(), ["check"]);
    assert_eq!(answer.code, 1);
    assert!(answer.out.contains("client that is disabled"), "{}", answer.out);
    place.run(["client", "enable", "App 1"]).succeeds();
    place.run_with(key.as_bytes(), ["check"]).succeeds();
    place.run(["client", "disable", "App 2"]).fails(1, "the nearest is `App 1`");
}

#[test]
fn removing_asks_for_yes_and_for_a_disabled_client() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1"]);
    place.run(["client", "remove", "App 1"]).fails(2, "give --yes");
    place.run(["client", "remove", "App 1", "--yes"]).fails(1, "disable it first");
    place.run(["client", "disable", "App 1"]).succeeds();
    place.run(["client", "remove", "App 1", "--yes"]).succeeds();
    assert_eq!(place.run_with(key.as_bytes(), ["check"]).out, "not valid: the key is unknown\n");
    place.run(["client", "remove", "App 1", "--yes"]).fails(1, "the store has no clients");
}
