//! `keygate audit`.

use serde_json::json;

use crate::tool::{Sandbox, id_of, stores};

#[test]
fn audit_works_on_every_store() {
    for sandbox in stores() {
        assert_eq!(sandbox.run(["audit", "--json"]).succeeds().out, "[]\n");
        sandbox.run(["client", "add", "App 1", "--quota", "9/day"]).succeeds();
        sandbox.run(["client", "add", "App 2"]).succeeds();
        sandbox.issue(&["App 1", "--expires", "90d"]);
        let forever = id_of(&sandbox.issue(&["App 1", "--label", "production"]));
        let result = sandbox.run(["audit", "--json"]);
        let message = "never expires: set an expiry, or rotate it";
        let found = |kind: &str, client: &str, message: &str| json!({ "kind": kind, "client": client, "key_id": null, "label": null, "place": null, "message": message });
        let expected = json!([
            { "kind": "never_expires", "client": "App 1", "key_id": forever, "label": "production", "place": null, "message": message },
            found("no_quota", "App 2", "has no quota: set one, or `unlimited`"),
            found("no_keys", "App 2", "has no key that works: issue one, or disable the client"),
        ]);
        assert_eq!((result.code, result.json()), (1, expected));

        let result = sandbox.run(["audit"]);
        let first = format!("App 1   {forever}  production  never expires: ");
        assert!(result.code == 1 && result.out.contains(&first), "{}", result.out);
        sandbox.run(["client", "disable", "App 2"]).succeeds();
        sandbox.run(["key", "set", &forever, "--expires", "90d"]).succeeds();
        let result = sandbox.run(["audit"]).succeeds();
        assert_eq!(result.out, "");
        assert!(result.err.starts_with("no findings\n"), "{}", result.err);
    }
}

#[test]
fn audit_finds_weak_and_plaintext_keys_of_a_file() {
    let sandbox = Sandbox::with_file("allow_weak_keys: true\napi_keys:\n  hunter2: A\n");
    let result = sandbox.run(["audit"]);
    assert_eq!(result.code, 1, "{}", result.err);
    assert!(!result.out.contains("hunter2"), "{}", result.out);
    let lines: Vec<_> = result.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", result.out);
    let end = |line: &str| line.split_once("  ").unwrap().1.trim_start().to_owned();
    assert!(lines[3].starts_with("keys.yaml:3 "), "{}", lines[3]);
    assert!(end(lines[3]).starts_with("the key is shorter"), "{}", lines[3]);
    assert!(lines[4].starts_with("keys.yaml "), "{}", lines[4]);
    assert!(end(lines[4]).starts_with("holds 1 key in plaintext: `keygate hash`"), "{}", lines[4]);
    let found = sandbox.run(["audit", "--json"]).json();
    let kinds: Vec<_> = found.as_array().unwrap().iter().map(|found| &found["kind"]).collect();
    assert_eq!(kinds, ["no_quota", "never_expires", "weak_key", "plaintext"]);
    assert_eq!(found[2]["place"], "keys.yaml:3");
}

#[test]
fn audit_finds_keys_beyond_the_policy() {
    let digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let sandbox = Sandbox::with_file(&format!(
        "policy: {{max_lifetime: 365d}}\nclients:\n  A:\n    quota: 9/day\n    keys:\n      - digest: {digest}\n        \
         created: 2020-01-01T00:00:00Z\n        expires: 2099-01-01T00:00:00Z\n",
    ));
    let result = sandbox.run(["audit"]);
    assert!(result.out.contains("works for longer than the policy"), "{}", result.out);
    assert_eq!((result.code, result.out.lines().count()), (1, 2));
}

#[test]
fn audit_finds_keys_that_can_be_removed() {
    let digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let sandbox = Sandbox::with_file(&format!(
        "clients:\n  A:\n    enabled: false\n    keys:\n      - digest: {digest}\n        expires: 2020-01-01T00:00:00Z\n",
    ));
    let result = sandbox.run(["audit"]);
    assert_eq!(result.code, 1);
    assert!(result.out.contains("it is safe to remove"), "{}", result.out);
    let longer = ["audit", "--unused-for", "36500d"];
    sandbox.run(longer).succeeds();
    sandbox.run(["audit", "--unused-for", "0d"]).fails(2, "the duration is zero");
    sandbox.run(["audit", "--store", "none.yaml"]).fails(3, "none.yaml");
}
