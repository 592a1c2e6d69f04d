//! `client set` and `key set`.

use std::thread;

use serde_json::json;

use crate::tool::{Sandbox, id_of, stores};

#[test]
fn client_set_changes_only_the_given_values() {
    for sandbox in stores() {
        let add = ["client", "add", "App 1", "--scope", "orders:read", "--quota", "9/day"];
        sandbox
            .run([&add[..], &["--metadata", "team=billing", "--metadata", "x=1"]].concat())
            .succeeds();
        let set = |arguments: &[&str]| {
            let command = [&["client", "set", "App 1"], arguments].concat();
            sandbox.run(command).succeeds()
        };
        let client = || {
            let mut client = sandbox.run(["client", "show", "App 1", "--json"]).succeeds().json();
            let fields = ["scopes", "quota", "metadata"].map(|field| client[field].take());
            json!(fields)
        };
        let result = set(&["--add-scope", "stock:*", "--quota", "10/day"]);
        let note =
            "changed App 1: scopes orders:read -> orders:read stock:*, quota 9/day -> 10/day\n";
        assert_eq!((result.err.as_str(), result.out.as_str()), (note, ""));
        let metadata = json!({ "team": "billing", "x": "1" });
        assert_eq!(client(), json!([["orders:read", "stock:*"], "10/day", metadata]));

        let result = set(&["--metadata", "team=sales", "--remove-metadata", "x"]);
        let note = "changed App 1: metadata team billing -> sales, metadata x 1 -> none\n";
        assert_eq!(result.err, note);
        let result = set(&["--scope", "a", "--scope", "b:*", "--no-quota", "--json"]).json();
        assert_eq!((&result["scopes"], &result["quota"]), (&json!(["a", "b:*"]), &json!(null)));
        assert_eq!(client(), json!([["a", "b:*"], null, { "team": "sales" }]));

        set(&["--quota", "9/minute burst 2", "--quota", "90/day"]);
        assert_eq!(client()[1], json!([{ "rate": "9/minute", "burst": 2 }, "90/day"]));
        set(&["--quota", "unlimited"]);
        assert_eq!(client()[1], "unlimited");
        set(&["--no-quota"]);

        set(&["--remove-scope", "a"]);
        assert_eq!(client()[0], json!(["b:*"]));
        let result = set(&["--remove-scope", "b:x"]);
        let lines: Vec<_> = result.err.lines().collect();
        assert_eq!(lines[0], "App 1 already has these values: nothing was changed");
        assert_eq!(lines[1], "warning: App 1 still has the scope b:x, which b:* covers");
        set(&["--no-scope"]);
        assert_eq!(client(), json!([[], null, { "team": "sales" }]));
    }
}

#[test]
fn key_set_changes_label_and_expiry() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let key = sandbox.issue(&["App 1", "--label", "old", "--expires", "2099-01-01T00:00:00Z"]);
        let id = id_of(&key);
        let set = |arguments: &[&str]| sandbox.run([&["key", "set", &id], arguments].concat());
        let result = set(&["--label", "new"]).succeeds();
        let note = format!("changed {id} (new) of App 1: label old -> new\n");
        assert_eq!((result.err, result.out), (note, String::new()));
        assert_eq!(sandbox.keys()[0]["expires"], "2099-01-01T00:00:00Z");

        let result = set(&["--expires", "2098-01-01T00:00:00Z", "--json"]).succeeds().json();
        assert_eq!(
            (&result["key_id"], &result["expires"]),
            (&json!(id), &json!("2098-01-01T00:00:00Z"))
        );
        let result = set(&["--no-expiry", "--no-label"]).succeeds();
        assert!(
            result.err.contains("label new -> none, expiry 2098-01-01T00:00:00Z -> none"),
            "{}",
            result.err
        );
        sandbox.run_with(key.as_bytes(), ["check"]).succeeds();
        set(&["--expires", "2020-01-01T00:00:00Z"]).fails(1, "has already passed");
        set(&["--label", " x"]).fails(1, "label");

        sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
        set(&["--expires", "30d"]).fails(1, "was revoked");
        set(&["--label", "gone"]).succeeds();
        assert_eq!(sandbox.keys()[0]["state"], "revoked");
    }
}

#[test]
fn wrong_changes_are_refused_and_change_nothing() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    let before = sandbox.file();
    let client =
        |arguments: &[&str]| sandbox.run([&["client", "set", "App 1"], arguments].concat());
    client(&[]).fails(2, "give an option such as --quota");
    client(&["--quota", "1/day", "--no-quota"]).fails(2, "cannot be used with");
    client(&["--scope", "a", "--add-scope", "b"]).fails(2, "cannot be used with");
    client(&["--scope", "A"]).fails(2, "--scope <SCOPE>: ");
    client(&["--metadata", "a=1", "--metadata", "a=2"]).fails(2, "given twice");
    client(&["--add-scope", "a", "--remove-scope", "a"]).fails(2, "added and removed");
    client(&["--metadata", "a=1", "--remove-metadata", "a"]).fails(2, "set and removed");
    sandbox.run(["client", "set", "App 2", "--no-quota"]).fails(1, "the nearest is `App 1`");
    sandbox.run(["client", "set", &id, "--no-quota"]).fails(2, "is the ID of a key of `App 1`");
    sandbox.run(["key", "set", &id]).fails(2, "give an option such as --label");
    sandbox.run(["key", "set", "App 1", "--no-label"]).fails(2, "`App 1` is a client");
    sandbox.run(["key", "set", &id, "--expires", "1d", "--no-expiry"]).fails(2, "cannot be used");
    sandbox.run(["key", "set", "0000000000000000", "--no-label"]).fails(1, "no key has the id");
    assert_eq!(sandbox.file(), before);
}

#[test]
fn concurrent_changes_are_both_kept() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        thread::scope(|scope| {
            for arguments in [["--add-scope", "a"], ["--quota", "9/day"], ["--metadata", "x=1"]] {
                let command = [&["client", "set", "App 1"][..], &arguments].concat();
                let sandbox = &sandbox;
                scope.spawn(move || sandbox.run(command).succeeds());
            }
        });
        let client = sandbox.run(["client", "show", "App 1", "--json"]).succeeds().json();
        let fields = [&client["scopes"], &client["quota"], &client["metadata"]];
        assert_eq!(fields, [&json!(["a"]), &json!("9/day"), &json!({ "x": "1" })]);
    }
}

#[test]
fn report_of_a_change_is_about_this_change_only() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let id = id_of(&sandbox.issue(&["App 1", "--label", "0"]));
        thread::scope(|scope| {
            for number in 0..6 {
                let (sandbox, id) = (&sandbox, &id);
                scope.spawn(move || {
                    let metadata = format!("{number}=1");
                    let set = ["client", "set", "App 1", "--metadata", &*metadata];
                    let note = format!("changed App 1: metadata {number} none -> 1\n");
                    assert_eq!(sandbox.run(set).succeeds().err, note);
                });
                scope.spawn(move || {
                    let expires = format!("209{number}-01-01T00:00:00Z");
                    let set = ["key", "set", id, "--expires", &*expires];
                    let note = sandbox.run(set).succeeds().err;
                    assert!(note.ends_with(&format!(" -> {expires}\n")), "{note}");
                    assert!(!note.contains("label"), "{note}");
                });
            }
            let label = ["key", "set", &*id, "--label", "new"];
            let note = format!("changed {id} (new) of App 1: label 0 -> new\n");
            assert_eq!(sandbox.run(label).succeeds().err, note);
        });
    }
}

#[test]
fn absent_and_empty_values_are_told_apart() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1", "--metadata", "z=1"]).succeeds();
        let set = |option: &str, value: &str| {
            let note = sandbox.run(["client", "set", "App 1", option, value]).succeeds().err;
            note.strip_prefix("changed App 1: ").unwrap_or(&note).to_owned()
        };
        assert_eq!(set("--metadata", "q="), "metadata q none -> ''\n");
        assert_eq!(set("--metadata", "z="), "metadata z 1 -> ''\n");
        assert_eq!(set("--metadata", "z=none"), "metadata z '' -> 'none'\n");
        assert_eq!(set("--remove-metadata", "q"), "metadata q '' -> none\n");
        let unchanged = "App 1 already has these values: nothing was changed\n";
        assert_eq!(set("--remove-metadata", "q"), unchanged);
    }
}

#[test]
fn texts_that_look_like_keys_are_warnings() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    let id = id_of(&key);
    let output = sandbox.command(["key", "set", &id, "--label", &key]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.starts_with("warning: the label looks like a key"),
        "{}",
        err.lines().next().unwrap()
    );
}

#[test]
fn expiry_before_the_beginning_of_a_key_is_refused() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let id = id_of(&sandbox.issue(&["App 1", "--not-before", "2099-01-01T00:00:00Z"]));
        for expires in ["30d", "2099-01-01T00:00:00Z"] {
            let set = ["key", "set", &id, "--expires", expires];
            let reason = "would expire before it begins to work";
            sandbox.run(set).fails(1, reason);
            sandbox.run([&set[..], &["--dry-run"]].concat()).fails(1, reason);
        }
        assert!(sandbox.keys()[0]["expires"].is_null());
        sandbox.run(["key", "set", &id, "--expires", "2099-01-01T00:00:01Z"]).succeeds();
    }
}
