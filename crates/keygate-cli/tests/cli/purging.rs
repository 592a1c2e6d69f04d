//! `key purge`.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::tool::{Sandbox, id_of, stores};

#[test]
fn purged_keys_are_not_listed() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let keys = ["old", "live"].map(|label| sandbox.issue(&["App 1", "--label", label]));
        let [old, live] = keys.each_ref().map(|key| id_of(key));
        let ending = sandbox.issue(&["App 1", "--expires", "3s"]);
        sandbox.run(["key", "revoke", "--yes", &old]).succeeds();
        while sandbox.run_with(ending.as_bytes(), ["check"]).code == 0 {
            thread::sleep(Duration::from_millis(100));
        }
        let purge = |arguments: &[&str]| sandbox.run([&["key", "purge"], arguments].concat());
        let long_ago = ["--revoked-before", "90d", "--expired-before", "1d"];
        let result = purge(&[&long_ago[..], &["--yes"]].concat()).succeeds();
        assert_eq!(
            result.err,
            "no keys were revoked or expired that long ago: nothing was purged\n"
        );
        for options in [&["--yes"][..], &[]] {
            purge(options).fails(2, "give --revoked-before, --expired-before or both");
        }
        purge(&["--revoked-before", "0d"]).fails(2, "there is no terminal: give --yes");

        let before = sandbox.run(["export"]).succeeds().out;
        let result = purge(&["--revoked-before", "0d", "--dry-run"]).succeeds();
        let note = format!("purged 1 key: {old} (old) of App 1\n");
        assert_eq!(result.err, format!("dry run: would have {note}"));
        let result = purge(&["--expired-before", "0d", "--dry-run", "--json"]).succeeds().json();
        assert_eq!(
            (&result[0]["key_id"], &result[0]["state"], &result[0]["dry_run"]),
            (&json!(id_of(&ending)), &json!("expired"), &json!(true))
        );
        assert_eq!(sandbox.run(["export"]).succeeds().out, before);

        assert_eq!(purge(&["--revoked-before", "0d", "--yes"]).succeeds().err, note);
        let result = purge(&["--expired-before", "0d", "--yes", "--json"]).succeeds().json();
        assert_eq!(result[0]["key_id"], json!(id_of(&ending)));
        let left = sandbox.keys();
        assert_eq!(left.iter().map(|key| &key["key_id"]).collect::<Vec<_>>(), [&json!(live)]);
        let export = sandbox.run(["export"]).succeeds().out;
        for (key, id) in [(&keys[0], &old), (&ending, &id_of(&ending))] {
            assert!(!export.contains(&**id), "{export}");
            sandbox.run(["key", "show", id]).fails(1, "no key has the id");
            let checked = sandbox.run_with(key.as_bytes(), ["check"]);
            assert_eq!((checked.code, &*checked.out), (1, "not valid: the key is unknown\n"));
        }
        sandbox.run_with(keys[1].as_bytes(), ["check"]).succeeds();
    }
}

#[test]
fn long_purge_names_some_of_the_keys() {
    let sandbox = Sandbox::with_client("App 1");
    let ids = (0..12).map(|_| id_of(&sandbox.issue(&["App 1"]))).collect::<Vec<_>>();
    let revoke = ["key", "revoke", "--yes"].map(str::to_owned);
    sandbox.run(revoke.into_iter().chain(ids.clone())).succeeds();
    let result = sandbox.run(["key", "purge", "--revoked-before", "0d", "--yes"]).succeeds();
    assert!(result.err.starts_with("purged 12 keys: "), "{}", result.err);
    assert!(result.err.ends_with(" and 2 more\n"), "{}", result.err);
    assert!(sandbox.keys().is_empty());
}

/// The operator can still issue a new key to the same client.
#[test]
fn purge_removes_all_of_a_key_from_a_file() {
    let sandbox = Sandbox::with_client("App 1");
    let before = sandbox.file();
    let id = id_of(&sandbox.issue(&["App 1"]));
    sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
    assert!(sandbox.file().contains(&id));
    sandbox.run(["key", "purge", "--revoked-before", "0d", "--yes"]).succeeds();
    assert_eq!(sandbox.file(), before);
}
