//! Scopes, networks and start times of keys, and titles of clients.

use serde_json::{Value, json};

use crate::tool::{Sandbox, id_of, stores};

#[test]
fn successor_inherits_the_restrictions_of_a_key() {
    for sandbox in stores() {
        let add = ["client", "add", "App 1", "--title", "The shop", "--network", "10.0.0.0/8"];
        sandbox.run([&add[..], &["--scope", "orders:*"]].concat()).succeeds();
        let clients = sandbox.run(["client", "list"]).succeeds().out;
        assert_eq!(
            clients,
            "CLIENT  TITLE     ENABLED  KEYS  SCOPES    QUOTA  NETWORKS\n\
             App 1   The shop  yes      0     orders:*         10.0.0.0/8\n"
        );
        let found =
            sandbox.run(["client", "list", "--search", "the sh", "--json"]).succeeds().json();
        assert_eq!(found[0]["name"], "App 1");
        let shown = sandbox.run(["client", "show", "App 1"]).succeeds().out;
        assert!(
            shown.contains("TITLE     The shop\n") && shown.contains("NETWORKS  10.0.0.0/8\n"),
            "{shown}"
        );

        let options = ["--scope", "orders:read", "--network", "10.1.0.0/16"];
        let begins = ["--not-before", "2098-01-01T00:00:00Z", "--expires", "2099-01-01T00:00:00Z"];
        let key = sandbox.issue(&[&["App 1"], &options[..], &begins].concat());
        let listed = sandbox.keys()[0].clone();
        let fields =
            [&listed["scopes"], &listed["networks"], &listed["not_before"], &listed["state"]];
        let expected = [
            &json!(["orders:read"]),
            &json!(["10.1.0.0/16"]),
            &json!("2098-01-01T00:00:00Z"),
            &json!("not_yet_valid"),
        ];
        assert_eq!(fields, expected);
        let shown = sandbox.run(["key", "show", &id_of(&key)]).succeeds().out;
        for line in [
            "SCOPES      orders:read\n",
            "NETWORKS    10.1.0.0/16\n",
            "NOT BEFORE  2098-01-01T00:00:00Z (in ",
            "STATE       not yet valid\n",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
        let table = sandbox.run(["key", "list"]).succeeds().out;
        let headings: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
        assert!(headings.ends_with(&["EXPIRES", "SCOPES", "NETWORKS"]), "{table}");
        assert!(table.contains("not yet valid, begins in "), "{table}");
        let checked = sandbox.run_with(key.as_bytes(), ["check"]);
        assert!(checked.code == 1 && checked.out.contains(" is not valid yet"), "{checked:?}");

        for (scope, count) in [("orders:read", 1), ("orders:write", 0)] {
            let list = ["key", "list", "--scope", scope, "--json"];
            let found = sandbox.run(list).succeeds().json();
            assert_eq!(found.as_array().unwrap().len(), count, "{scope}");
        }
        let rotate = ["key", "rotate", &id_of(&key), "--scope", "orders:write", "--json"];
        let new = sandbox.run(rotate).succeeds().json();
        let kept = sandbox.keys().into_iter().find(|key| key["key_id"] == new["key_id"]).unwrap();
        for key in [&new, &kept] {
            assert_eq!(
                (&key["scopes"], &key["networks"], &key["not_before"]),
                (&json!(["orders:write"]), &json!(["10.1.0.0/16"]), &json!("2098-01-01T00:00:00Z"))
            );
        }
    }
}

#[test]
fn restriction_beyond_the_client_is_refused() {
    for sandbox in stores() {
        let add = ["client", "add", "App 1", "--scope", "a", "--network", "10.0.0.0/8"];
        sandbox.run(add).succeeds();
        let issue =
            |arguments: &[&str]| sandbox.run([&["key", "issue", "App 1"], arguments].concat());
        issue(&["--scope", "b"]).fails(1, "scope");
        issue(&["--network", "11.0.0.0/8"]).fails(1, "is not within those of the client");
        issue(&["--network", "10.0.0.1/8"]).fails(2, "--network <NETWORK>: ");
        issue(&["--not-before", "2d", "--expires", "1d"]).fails(1, "");
        assert!(sandbox.keys().is_empty());
    }
}

#[test]
fn client_set_changes_title_and_networks() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1", "--network", "192.0.2.7"]).succeeds();
        let set =
            |arguments: &[&str]| sandbox.run([&["client", "set", "App 1"], arguments].concat());
        let networks = ["--network", "10.0.0.0/8", "--network", "2001:db8::/32"];
        let change = [&["--title", "The shop"], &networks[..]].concat();
        let note = "changed App 1: title none -> The shop, networks 192.0.2.7/32 -> 10.0.0.0/8 2001:db8::/32\n";
        let dry_run = set(&[&change[..], &["--dry-run"]].concat()).succeeds();
        assert_eq!(dry_run.err, format!("dry run: would have {note}"));
        assert_eq!(set(&change).succeeds().err, note);
        let client = || sandbox.run(["client", "show", "App 1", "--json"]).succeeds().json();
        assert_eq!(client()["title"], "The shop");
        assert_eq!(client()["networks"], json!(["10.0.0.0/8", "2001:db8::/32"]));
        set(&["--title", " x"]).fails(1, "title");
        let result = set(&["--no-title", "--no-network"]).succeeds();
        assert!(
            result.err.contains("title The shop -> none, networks 10.0.0.0/8 "),
            "{}",
            result.err
        );
        assert_eq!((&client()["title"], &client()["networks"]), (&json!(null), &json!([])));
        set(&["--title", "x", "--no-title"]).fails(2, "cannot be used with");
        set(&["--network", "::1", "--no-network"]).fails(2, "cannot be used with");
    }
}

#[test]
fn key_set_changes_scopes_and_networks() {
    for sandbox in stores() {
        let add = ["client", "add", "App 1", "--scope", "orders:*", "--network", "10.0.0.0/8"];
        sandbox.run(add).succeeds();
        let id = id_of(&sandbox.issue(&["App 1", "--label", "x"]));
        let set = |arguments: &[&str]| sandbox.run([&["key", "set", &id], arguments].concat());
        let change =
            ["--scope", "orders:read", "--network", "10.1.0.0/16", "--network", "10.2.0.0/16"];
        let note = format!(
            "changed {id} (x) of App 1: scopes none -> orders:read, networks none -> 10.1.0.0/16 10.2.0.0/16\n"
        );
        let dry_run = set(&[&change[..], &["--dry-run"]].concat()).succeeds();
        assert_eq!(dry_run.err, format!("dry run: would have {note}"));
        assert_eq!(set(&change).succeeds().err, note);
        set(&["--scope", "stock:read"]).fails(1, "the client lacks the scope `stock:read`");
        set(&["--network", "11.0.0.0/8"]).fails(1, "the network 11.0.0.0/8 is not within those");
        let key = || sandbox.keys()[0].clone();
        assert_eq!(key()["scopes"], json!(["orders:read"]));
        assert_eq!(key()["networks"], json!(["10.1.0.0/16", "10.2.0.0/16"]));
        let result = set(&["--no-scope", "--no-network", "--json"]).succeeds().json();
        assert_eq!((&result["scopes"], &result["networks"]), (&json!([]), &json!([])));
        assert_eq!((&key()["scopes"], &key()["label"]), (&json!([]), &json!("x")));
        set(&["--scope", "orders:read", "--no-scope"]).fails(2, "cannot be used with");
    }
}

/// In a database, a dry run changes a copy, which must include such keys.
#[test]
fn key_whose_client_lost_a_scope_can_be_changed() {
    for sandbox in stores() {
        let add =
            ["client", "add", "App 1", "--scope", "a", "--scope", "b", "--network", "10.0.0.0/8"];
        sandbox.run(add).succeeds();
        let id = id_of(&sandbox.issue(&["App 1", "--scope", "a", "--scope", "b"]));
        sandbox.run(["client", "set", "App 1", "--remove-scope", "b"]).succeeds();
        assert_eq!(sandbox.keys()[0]["scopes"], json!(["a", "b"]));
        for dry_run in [&["--dry-run"][..], &[]] {
            let set = ["key", "set", &id, "--label", "x"];
            let result = sandbox.run([&set[..], dry_run].concat()).succeeds();
            assert!(result.err.ends_with("of App 1: label none -> x\n"), "{}", result.err);
        }
        // For a file, there is also a warning about the key.
        let refused = sandbox.run(["key", "set", &id, "--scope", "b"]);
        assert!(
            refused.code == 1 && refused.err.contains("lacks the scope `b`"),
            "{}",
            refused.err
        );
        sandbox.run(["key", "set", &id, "--scope", "a"]).succeeds();
    }
}

#[test]
fn change_that_leaves_keys_without_effect_warns() {
    for sandbox in stores() {
        let add = ["client", "add", "App 1", "--quota", "9/day", "--scope", "orders:*"];
        sandbox.run([&add[..], &["--network", "10.0.0.0/8"]].concat()).succeeds();
        let issue = |arguments: &[&str]| {
            id_of(&sandbox.issue(&[&["App 1", "--expires", "90d"], arguments].concat()))
        };
        let near = issue(&["--network", "10.1.0.0/16"]);
        let far = issue(&["--network", "10.2.0.0/16", "--scope", "orders:read"]);
        let later = issue(&["--network", "10.3.0.0/16", "--not-before", "1d"]);
        let revoked = issue(&["--network", "10.4.0.0/16", "--scope", "orders:read"]);
        sandbox.run(["key", "revoke", "--yes", &revoked]).succeeds();
        let set = |arguments: &[&str]| {
            let result = sandbox.run([&["client", "set", "App 1"], arguments].concat()).succeeds();
            // A key file has further warnings, by line.
            let lines = result.err.lines().filter(|line| line.starts_with("warning: "));
            let lines = lines.filter(|line| !line.contains("keys.yaml:"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        sandbox.run(["audit"]).succeeds();
        assert_eq!(set(&["--network", "10.0.0.0/14"]), [""; 0]);

        let mut both = [near.clone(), later.clone()];
        both.sort_by_key(|id| sandbox.keys().iter().position(|key| key["key_id"] == **id));
        let both = both.join(", ");
        let move_to = ["--network", "10.2.0.0/16", "--dry-run"];
        assert_eq!(
            set(&move_to),
            [format!("warning: 2 keys could then be used from nowhere: {both}")]
        );
        let moved = format!("warning: 2 keys may now be used from nowhere: {both}");
        assert_eq!(set(&move_to[..2]), [moved]);
        let audit = sandbox.run(["audit", "--json"]);
        let found = audit.json();
        assert_eq!((audit.code, found.as_array().unwrap().len()), (1, 1), "{found}");
        assert_eq!((&found[0]["kind"], &found[0]["key_id"]), (&json!("no_networks"), &json!(near)));
        // The networks stay as they are.
        assert_eq!(set(&["--quota", "10/day"]), [""; 0]);

        let scopes = format!("warning: 1 key may now use no scopes: {far}");
        assert_eq!(set(&["--scope", "stock:*"]), [scopes]);
        assert_eq!(
            set(&["--no-network", "--no-scope"]),
            [format!("warning: 1 key may now use no scopes: {far}")]
        );
        assert_eq!(set(&["--scope", "orders:*"]), [""; 0]);
    }
}

#[test]
fn warning_about_many_keys_names_the_first() {
    let sandbox = Sandbox::with_client("App 1");
    for _ in 0..7 {
        sandbox.issue(&["App 1", "--network", "10.1.0.0/16"]);
    }
    let ids: Vec<_> =
        sandbox.keys().iter().map(|key| key["key_id"].as_str().unwrap().to_owned()).collect();
    let set = ["client", "set", "App 1", "--network", "192.168.0.0/16", "--json"];
    let warning: Value = serde_json::from_str(&sandbox.run(set).succeeds().err).unwrap();
    let expected =
        format!("7 keys may now be used from nowhere: {} and 2 more", ids[..5].join(", "));
    assert_eq!(warning, json!({ "warning": expected }));
}
