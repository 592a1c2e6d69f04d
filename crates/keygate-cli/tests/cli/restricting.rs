//! Scopes, networks and beginnings of keys, and titles of clients.

use serde_json::json;

use crate::tool::{Sandbox, id_of};

fn stores() -> Vec<Sandbox> {
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    return crate::databases::stores();
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    vec![Sandbox::new()]
}

#[test]
fn key_is_issued_with_its_restrictions_and_passes_them_on() {
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
        ] {
            assert!(shown.contains(line), "{shown}");
        }
        let table = sandbox.run(["key", "list"]).succeeds().out;
        let headings: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
        assert!(headings.ends_with(&["EXPIRES", "SCOPES", "NETWORKS"]), "{table}");

        for (scope, count) in [("orders:read", 1), ("orders:write", 0)] {
            let list = ["key", "list", "--scope", scope, "--json"];
            let found = sandbox.run(list).succeeds().json();
            assert_eq!(found.as_array().unwrap().len(), count, "{scope}");
        }
        let rotate = ["key", "rotate", &id_of(&key), "--scope", "orders:write", "--json"];
        let new = sandbox.run(rotate).succeeds().json();
        assert_eq!(
            (&new["scopes"], &new["networks"]),
            (&json!(["orders:write"]), &json!(["10.1.0.0/16"]))
        );
        let kept = sandbox.keys().into_iter().find(|key| key["key_id"] == new["key_id"]).unwrap();
        assert_eq!((&kept["scopes"], &kept["networks"]), (&new["scopes"], &new["networks"]));
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
