//! `--dry-run`.

use serde_json::json;

use crate::tool::{Sandbox, holds_key, id_of, stores};

#[test]
fn dry_run_changes_nothing_in_any_store() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1", "--scope", "orders:read"]).succeeds();
        sandbox.run(["client", "add", "App 2"]).succeeds();
        sandbox.run(["client", "disable", "App 2"]).succeeds();
        let key = sandbox.issue(&["App 1", "--label", "production", "--expires", "90d"]);
        let id = id_of(&key);
        let old = Sandbox::with_client("App 3");
        let old = old.path("keys.yaml").display().to_string();
        let before = sandbox.run(["export"]).succeeds().out;
        for (command, shown) in [
            (&["client", "add", "App 4"][..], "added App 4"),
            (&["client", "disable", "App 1"], "disabled App 1"),
            (
                &["client", "set", "App 1", "--quota", "9/day"],
                "changed App 1: quota none -> 9/day\n",
            ),
            (&["key", "set", &id, "--label", "x"], "changed "),
            (&["client", "enable", "App 2"], "enabled App 2"),
            (&["client", "remove", "App 2"], "removed App 2"),
            (
                &["key", "issue", "App 1", "--label", "new", "--expires", "90d"],
                "issued a key (new) of App 1, expires in 90 days\n",
            ),
            (&["key", "issue", "App 1", "--out", "key"], "issued a key of App 1, never expires\n"),
            (&["key", "rotate", &id, "--grace", "0s"], "issued a key (production) of App 1, "),
            (&["key", "revoke", &id], &format!("revoked {id} (production) of App 1\n")),
            (&["import", &old], "added 1 client and 0 keys, "),
            (&["export", "--out", "copy"], "written 2 clients and 1 key to copy"),
        ] {
            let result = sandbox.run([command, &["--dry-run"]].concat()).succeeds();
            let line = result.err.lines().last().unwrap().to_owned() + "\n";
            let shown = format!("dry run: would have {shown}");
            assert!(line.starts_with(&shown), "{command:?}: {line}");
            assert_eq!(result.out, "", "{command:?}");
            assert_eq!(sandbox.run(["export"]).succeeds().out, before, "{command:?}");
            assert!(!sandbox.path("key").exists() && !sandbox.path("copy").exists());
        }
        sandbox.run_with(key.as_bytes(), ["check"]).succeeds();
    }
}

#[test]
fn dry_run_in_json_has_the_result_and_no_key() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let id = id_of(&sandbox.issue(&["App 1"]));
        let dry_run = |command: &[&str]| {
            let result = sandbox.run([command, &["--dry-run", "--json"]].concat()).succeeds();
            assert!(!holds_key(&result.out) && result.err.is_empty(), "{result:?}");
            result.json()
        };
        let issued = dry_run(&["key", "issue", "App 1", "--label", "x"]);
        assert_eq!((&issued["dry_run"], &issued["key_id"]), (&json!(true), &json!(null)));
        assert_eq!((&issued["client"], &issued["label"]), (&json!("App 1"), &json!("x")));
        assert_eq!(issued.get("key"), None);
        let revoked = dry_run(&["key", "revoke", &id]);
        assert_eq!(
            (&revoked[0]["dry_run"], &revoked[0]["state"]),
            (&json!(true), &json!("revoked"))
        );
        assert_eq!(sandbox.keys()[0]["state"], "active");
    }
}

#[test]
fn dry_run_refuses_what_the_command_refuses() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let id = id_of(&sandbox.issue(&["App 1"]));
        sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
        std::fs::write(sandbox.path("taken"), "").unwrap();
        for (command, reason) in [
            (&["client", "add", "App 1"][..], "there is already a client"),
            (&["client", "remove", "App 1"], "disable it first"),
            (&["client", "disable", "App 2"], "the nearest is `App 1`"),
            (&["key", "rotate", &id], "was revoked"),
            (&["key", "issue", "App 1", "--out", "taken"], "already exists"),
            (&["export", "--out", "taken"], "already exists"),
        ] {
            sandbox.run([command, &["--dry-run"]].concat()).fails(1, reason);
        }
        sandbox
            .run(["key", "issue", "App 1", "--out", "no/key", "--dry-run"])
            .fails(3, "the folder no");
    }
}

#[test]
fn file_that_cannot_be_edited_fails_a_dry_run() {
    let sandbox = Sandbox::with_file("{\"clients\": {\"App 1\": {}}}\n");
    sandbox.run(["client", "disable", "App 1", "--dry-run"]).fails(1, "is in flow style");
    sandbox.run(["key", "issue", "App 1", "--dry-run"]).fails(1, "is in flow style");
}

#[test]
fn dry_run_of_init_and_hash_writes_no_file() {
    let sandbox = Sandbox::empty();
    let result = sandbox.run(["init", "--dry-run"]).succeeds();
    assert!(result.err.starts_with("dry run: would have created keys.yaml"), "{}", result.err);
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), 0);

    let text = "api_keys:\n  08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1\n";
    let sandbox = Sandbox::with_file(text);
    let result = sandbox.run(["hash", "--dry-run"]).succeeds();
    let expected = "dry run: would have replaced 1 plaintext key with digests\n";
    assert_eq!((result.err.as_str(), sandbox.file().as_str()), (expected, text));
    let json = sandbox.run(["hash", "--dry-run", "--json"]).succeeds().json();
    assert_eq!(json, json!({ "store": "keys.yaml", "hashed": 1, "dry_run": true }));
    sandbox.run(["hash", "--yes"]).succeeds();
    let result = sandbox.run(["hash", "--dry-run"]).succeeds();
    assert!(result.err.contains("no plaintext keys"), "{}", result.err);
}

#[test]
fn dry_run_of_migrate_creates_no_tables() {
    #[cfg(feature = "sqlite")]
    {
        let sandbox = Sandbox::empty();
        let migrate = ["migrate", "--store", "sqlite:keys.db", "--dry-run"];
        let result = sandbox.run(migrate).succeeds();
        assert_eq!(result.err, "dry run: would have created the tables of sqlite:keys.db\n");
        assert_eq!(sandbox.other_files(), [""; 0]);
        sandbox.run(&migrate[..3]).succeeds();
        let result = sandbox.run(migrate).succeeds();
        assert!(result.err.ends_with(": nothing to do\n"), "{}", result.err);
    }
    #[cfg(feature = "postgres")]
    {
        let url = crate::servers::Postgres::shared().database().url();
        let sandbox = Sandbox::empty();
        let migrate = ["migrate", "--store", &url, "--dry-run"];
        let result = sandbox.run(migrate).succeeds();
        assert!(result.err.starts_with("dry run: would have created the tables"), "{}", result.err);
        sandbox.run(["key", "list", "--store", &url]).fails(3, "has no tables");
    }
}
