use serde_json::json;

use crate::tool::{Sandbox, id_of};

#[test]
fn client_has_the_given_scopes_quota_and_metadata() {
    let sandbox = Sandbox::new();
    let added = sandbox
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
        "title": null,
        "scopes": ["orders:read", "stock:*"],
        "networks": [],
        "quota": "100/minute",
        "metadata": {"team": "billing", "url": "a=b"},
    });
    assert_eq!(added, expected);
    assert_eq!(sandbox.run(["client", "list", "--json"]).succeeds().json(), json!([expected]));
}

#[test]
fn note_of_a_change_is_on_standard_error() {
    let sandbox = Sandbox::new();
    let result = sandbox.run(["client", "add", "App 1"]).succeeds();
    assert_eq!(result.out, "");
    assert!(result.err.starts_with("added App 1"), "{}", result.err);
}

#[test]
fn table_of_clients_is_aligned() {
    let sandbox = Sandbox::with_client("Größe 日本");
    sandbox.run(["client", "add", "App 1", "--scope", "a", "--quota", "unlimited"]).succeeds();
    sandbox.issue(&["App 1"]);
    sandbox.run(["client", "disable", "Größe 日本"]).succeeds();
    let result = sandbox.run(["client", "list"]).succeeds();
    assert_eq!(
        result.out,
        "CLIENT      ENABLED  KEYS  SCOPES  QUOTA\n\
         App 1       yes      1     a       unlimited\n\
         Größe 日本  no       0\n"
    );
}

#[test]
fn unusual_names_are_kept_unchanged() {
    let names = ["-dash", "--json", "# no comment", "a: b", "'\"", "null", "1e10", "🔑", "a\\b"];
    let sandbox = Sandbox::new();
    for name in names {
        sandbox.run(["client", "add", "--", name]).succeeds();
        let key = sandbox.issue(&["--", name]);
        let id = id_of(&key);
        let result = sandbox.run_with(key.as_bytes(), ["check"]).succeeds();
        assert_eq!(result.out, format!("valid: {id} of {name}, never expires\n"));
    }
    let listed = sandbox.run(["client", "list", "--json"]).succeeds().json();
    assert_eq!(listed.as_array().unwrap().len(), names.len());
}

#[test]
fn names_that_break_a_rule_are_refused() {
    let sandbox = Sandbox::new();
    let long = "n".repeat(129);
    for (name, reason) in [
        ("", "is empty"),
        (" x", "begins or ends with a blank"),
        ("a\nb", "control character"),
        (&long, "longer than 128"),
    ] {
        sandbox.run(["client", "add", name]).fails(1, reason);
    }
}

#[test]
fn second_client_with_the_same_name_is_refused() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.run(["client", "add", "App 1"]).fails(1, "choose another name");
}

#[test]
fn invalid_arguments_are_wrong_usage() {
    let sandbox = Sandbox::new();
    let add = |arguments: &[&str]| sandbox.run([&["client", "add", "App 1"], arguments].concat());
    add(&["--scope", "Orders"]).fails(2, "--scope <SCOPE>: segment 1");
    add(&["--quota", "100"]).fails(2, "100/minute");
    add(&["--quota", "{rate: 9/day, burst: 2}"]).fails(2, "`100/minute burst 20`, and repeat");
    add(&["--quota", "9/day", "--quota", "unlimited"]).fails(2, "with other rates: choose one");
    add(&["--metadata", "team"]).fails(2, "NAME=VALUE");
    add(&["--metadata", "=x"]).fails(2, "NAME=VALUE");
    add(&["--metadata", "a=1", "--metadata", "a=2"]).fails(2, "given twice");
}

#[test]
fn disabled_client_is_refused_until_it_is_enabled() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    sandbox.run(["client", "disable", "App 1"]).succeeds();
    let result = sandbox.run_with(key.as_bytes(), ["check"]);
    assert_eq!(result.code, 1);
    assert!(result.out.contains("disabled client"), "{}", result.out);
    sandbox.run(["client", "enable", "App 1"]).succeeds();
    sandbox.run_with(key.as_bytes(), ["check"]).succeeds();
    sandbox.run(["client", "disable", "App 2"]).fails(1, "the nearest is `App 1`");
}

#[test]
fn removing_needs_yes_and_a_disabled_client() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    sandbox.run(["client", "remove", "App 1"]).fails(2, "give --yes");
    sandbox.run(["client", "remove", "App 1", "--yes"]).fails(1, "disable it first");
    sandbox.run(["client", "disable", "App 1"]).succeeds();
    sandbox.run(["client", "remove", "App 1", "--yes"]).succeeds();
    assert_eq!(sandbox.run_with(key.as_bytes(), ["check"]).out, "not valid: the key is unknown\n");
    sandbox.run(["client", "remove", "App 1", "--yes"]).fails(1, "the store has no clients");
}
