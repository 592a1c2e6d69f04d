//! `keygate policy`, and the commands that apply the policy.

use std::thread;

use serde_json::json;

use crate::tool::{Sandbox, id_of, stores};

/// Keys of a file that are beyond the policy are reported, too.
fn refused(sandbox: &Sandbox, command: &[&str], reason: &str) {
    let result = sandbox.run(command);
    assert_eq!((result.code, &*result.out), (1, ""), "{}", result.err);
    assert!(result.err.lines().last().unwrap().contains(reason), "{}", result.err);
}

#[test]
fn policy_is_exported_and_imported() {
    for sandbox in stores() {
        let set = ["policy", "set", "--max-lifetime", "365d", "--default-lifetime", "90d"];
        sandbox.run(set).succeeds();
        sandbox.run(["client", "add", "App 1"]).succeeds();
        sandbox.run(["export", "--out", "exported.yml"]).succeeds();
        let exported = sandbox.read("exported.yml");
        assert!(exported.contains("max_lifetime: 365d"), "{exported}");

        sandbox.run(["init", "--store", "new.yml"]).succeeds();
        let import = ["import", "exported.yml", "--store", "new.yml"];
        let note = sandbox.run(import).succeeds().err;
        assert!(
            note.contains("added 1 client and 0 keys, ") && note.ends_with(", added the policy\n"),
            "{note}"
        );
        let shown = sandbox.run(["policy", "show"]).succeeds().out;
        assert_eq!(sandbox.run(["policy", "show", "--store", "new.yml"]).succeeds().out, shown);
        let note = sandbox.run(import).succeeds().err;
        assert!(note.ends_with("refused 0 clients and 0 keys\n"), "{note}");

        // A different policy is kept and reported.
        sandbox.run(["policy", "set", "--max-lifetime", "30d", "--no-default-lifetime"]).succeeds();
        let result = sandbox.run(["import", "exported.yml"]);
        assert_eq!(result.code, 1, "{}", result.err);
        let warning =
            "refused the policy: it already exists and differs in max_lifetime, default_lifetime";
        assert!(result.err.contains(warning), "{}", result.err);
        assert!(result.err.ends_with(", refused the policy\n"), "{}", result.err);
        let refused = sandbox.run(["import", "exported.yml", "--json"]).json();
        let why = "it already exists and differs in max_lifetime, default_lifetime";
        assert_eq!(refused["policy"], json!({ "added": false, "refused": why }));
        let shown = sandbox.run(["policy", "show"]).succeeds().out;
        assert!(shown.starts_with("MAX LIFETIME      30d\n"), "{shown}");

        // A store without a policy gets the imported one in the same step.
        let unset = ["policy", "set", "--no-max-lifetime", "--no-default-lifetime"];
        sandbox.run(unset).succeeds();
        sandbox.run(["import", "exported.yml"]).succeeds();
        let shown = sandbox.run(["policy", "show", "--json"]).succeeds().json();
        assert_eq!(shown["default_lifetime"], "90d");
    }
}

#[test]
fn policy_is_shown_changed_and_followed() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let forever = id_of(&sandbox.issue(&["App 1"]));
        let result = sandbox.run(["policy", "show"]).succeeds();
        let unset =
            "MAX LIFETIME      none\nDEFAULT LIFETIME  none\nEXPIRY            not required\n";
        assert_eq!(result.out, unset);

        let set = ["policy", "set", "--max-lifetime", "365d", "--default-lifetime", "90d"];
        let note = "changed the policy: max lifetime none -> 365d, default lifetime none -> 90d, \
                    expiry not required -> required by the max lifetime\n";
        let result = sandbox.run([&set[..], &["--dry-run"]].concat()).succeeds();
        assert_eq!(result.err, format!("dry run: would have {note}"));
        assert_eq!(sandbox.run(["policy", "show"]).succeeds().out, unset);
        assert_eq!(sandbox.run(set).succeeds().err, note);
        let shown = sandbox.run(["policy", "show", "--json"]).succeeds().json();
        let expected =
            json!({ "max_lifetime": "365d", "default_lifetime": "90d", "require_expiry": true });
        assert_eq!(shown, expected);

        let result = sandbox.run(["key", "issue", "App 1", "--dry-run"]).succeeds();
        assert!(result.err.ends_with("of App 1, expires in 90 days\n"), "{}", result.err);
        refused(&sandbox, &["key", "issue", "App 1", "--expires", "366d"], "at most 365d");
        let dry_run = ["key", "issue", "App 1", "--expires", "366d", "--dry-run"];
        refused(&sandbox, &dry_run, "at most 365d");
        sandbox.run(["key", "set", &forever, "--label", "x"]).succeeds();
        let list = sandbox.run(["key", "list"]).succeeds().out;
        assert!(list.contains("never, beyond the policy"), "{list}");
        assert_eq!(sandbox.keys()[0]["beyond_policy"], true);
        let result = sandbox.run(["key", "show", &forever]).succeeds();
        assert!(
            result.out.contains("beyond the policy: see `keygate policy show`"),
            "{}",
            result.out
        );

        let relax = ["policy", "set", "--no-max-lifetime", "--no-default-lifetime", "--json"];
        let result = sandbox.run(relax).succeeds().json();
        let expected =
            json!({ "max_lifetime": null, "default_lifetime": null, "require_expiry": false });
        assert_eq!(result, expected);
        sandbox.run(["policy", "set", "--require-expiry"]).succeeds();
        refused(&sandbox, &["key", "issue", "App 1", "--out", "new"], "each key expires");
        sandbox.run(["policy", "set", "--allow-no-expiry"]).succeeds();
        sandbox.issue(&["App 1"]);
    }
}

#[test]
fn every_changed_value_of_the_policy_is_reported() {
    for sandbox in stores() {
        let set = |arguments: &[&str]| {
            sandbox.run([&["policy", "set"], arguments].concat()).succeeds().err
        };
        set(&["--max-lifetime", "365d"]);
        let note = set(&["--require-expiry"]);
        let by_max = "required by the max lifetime";
        assert_eq!(note, format!("changed the policy: expiry {by_max} -> required\n"));
        let note = set(&["--allow-no-expiry"]);
        assert_eq!(note, format!("changed the policy: expiry required -> {by_max}\n"));
        assert_eq!(
            set(&["--allow-no-expiry"]),
            "the policy already has these values: nothing was changed\n"
        );
        let note = set(&["--no-max-lifetime"]);
        let expected =
            "max lifetime 365d -> none, expiry required by the max lifetime -> not required";
        assert_eq!(note, format!("changed the policy: {expected}\n"));
    }
}

#[test]
fn concurrent_changes_of_the_policy_are_all_kept() {
    let set = ["policy", "set"];
    for sandbox in stores() {
        for _ in 0..5 {
            let unset = ["--no-max-lifetime", "--no-default-lifetime", "--allow-no-expiry"];
            sandbox.run([&set[..], &unset].concat()).succeeds();
            thread::scope(|scope| {
                for arguments in [
                    &["--max-lifetime", "300d"][..],
                    &["--default-lifetime", "30d"],
                    &["--require-expiry"],
                ] {
                    let command = [&set[..], arguments].concat();
                    let sandbox = &sandbox;
                    scope.spawn(move || sandbox.run(command).succeeds());
                }
            });
            let shown = sandbox.run(["policy", "show"]).succeeds().out;
            let expected =
                "MAX LIFETIME      300d\nDEFAULT LIFETIME  30d\nEXPIRY            required\n";
            assert_eq!(shown, expected);
        }
    }
}

#[test]
fn contradictory_policy_is_refused() {
    let sandbox = Sandbox::with_client("App 1");
    let before = sandbox.file();
    let set = |arguments: &[&str]| sandbox.run([&["policy", "set"], arguments].concat());
    set(&[]).fails(2, "give an option such as --max-lifetime");
    set(&["--max-lifetime", "0d"]).fails(2, "the duration is zero");
    set(&["--max-lifetime", "1d", "--no-max-lifetime"]).fails(2, "cannot be used with");
    set(&["--max-lifetime", "1d", "--default-lifetime", "2d"]).fails(1, "is longer than");
    set(&["--max-lifetime", "40000d"]).fails(1, "at most 36525d");
    assert_eq!(sandbox.file(), before);
}

#[test]
fn policy_that_ends_a_key_before_its_beginning_is_named() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    sandbox.run(["policy", "set", "--default-lifetime", "5d"]).succeeds();
    let before = sandbox.file();
    let policy = "by the policy of the store, a key without --expires expires 5d after its issue, ";
    for command in [["key", "issue", "App 1"], ["key", "rotate", &id]] {
        let later = [&command[..], &["--not-before", "10d"]].concat();
        refused(&sandbox, &later, policy);
        let given = [&later[..], &["--expires", "6d"]].concat();
        refused(&sandbox, &given, "before it begins to work: choose an earlier beginning");
    }
    assert_eq!(sandbox.file(), before);
}
