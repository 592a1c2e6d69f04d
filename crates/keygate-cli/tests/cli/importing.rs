//! Moving keys from one store to another.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::tool::{Sandbox, stores};

const EXAMPLE: &str = include_str!("../../../../examples/keys.yml");

#[test]
fn imported_keys_keep_working() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("old.yml"), EXAMPLE).unwrap();
    let result = sandbox.run(["import", "old.yml", "--json"]).succeeds();
    let part = |added| json!({ "added": added, "kept": 0, "refused": [] });
    assert_eq!(result.json(), json!({ "clients": part(3), "keys": part(3) }));
    let key = b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n";
    sandbox.run_with(key, ["check"]).succeeds();
    assert!(!sandbox.file().contains("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU"));
}

#[test]
fn second_import_changes_nothing() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("old.yml"), EXAMPLE).unwrap();
    let result = sandbox.run(["import", "old.yml"]).succeeds();
    assert_eq!(
        result.err.lines().last(),
        Some("added 3 clients and 3 keys, kept 0 clients and 0 keys, refused 0 clients and 0 keys")
    );
    let before = sandbox.file();
    let result = sandbox.run(["import", "old.yml"]).succeeds();
    assert!(result.err.contains("kept 3 clients and 3 keys"), "{}", result.err);
    assert_eq!(sandbox.file(), before);
}

#[test]
fn difference_is_refused_with_a_reason_and_exit_code_1() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("old.yml"), EXAMPLE).unwrap();
    sandbox.run(["import", "old.yml"]).succeeds();
    let id = sandbox.keys()[0]["key_id"].as_str().unwrap().to_owned();
    sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
    sandbox.run(["client", "disable", "User 1"]).succeeds();
    let before = sandbox.file();

    let result = sandbox.run(["import", "old.yml"]);
    assert_eq!(result.code, 1);
    let warning = "refused the client User 1: it already exists and differs in enabled";
    assert!(result.err.contains(warning), "{}", result.err);
    assert!(result.err.contains("which is permanent"), "{}", result.err);
    let result = sandbox.run(["import", "old.yml", "--json"]);
    assert_eq!(result.code, 1);
    let refused = &result.json()["keys"]["refused"][0];
    assert_eq!(refused["key_id"], id);
    assert_eq!(sandbox.file(), before);
}

#[test]
fn exported_file_loads_and_holds_digests_only() {
    let sandbox = Sandbox::with_file(EXAMPLE);
    sandbox.run(["client", "disable", "User 1"]).succeeds();
    let result = sandbox.run(["export", "--out", "new.yml", "--json"]).succeeds();
    assert_eq!(result.json(), json!({ "clients": 3, "keys": 3, "out": "new.yml" }));
    let mode = sandbox.path("new.yml").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(sandbox.run(["lint", "--store", "new.yml"]).succeeds().out, "");
    assert!(!sandbox.read("new.yml").contains("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU"));
    sandbox.run(["export", "--out", "new.yml"]).fails(1, "new.yml already exists");
    assert_eq!(sandbox.run(["export"]).succeeds().out, sandbox.read("new.yml"));
    assert_eq!(sandbox.other_files(), ["new.yml"]);
    let key = b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n";
    let result = sandbox.run_with(key, ["check", "--store", "new.yml"]);
    assert!(result.out.contains("a disabled client"), "{}", result.out);
}

#[test]
fn missing_or_broken_source_is_unavailable() {
    let sandbox = Sandbox::new();
    let before = sandbox.file();
    sandbox.run(["import", "none.yml"]).fails(3, "none.yml");
    fs::write(sandbox.path("bad.yml"), "api_keys: [").unwrap();
    sandbox.run(["import", "bad.yml"]).fails(3, "bad.yml");
    sandbox.run(["import"]).fails(2, "<SOURCE> is missing");
    sandbox.run(["import", "redis://me:hunter2@db"]).fails(2, "known kind of URL");
    assert_eq!(sandbox.file(), before);
}

#[test]
fn key_files_need_no_migration() {
    Sandbox::new().run(["migrate"]).fails(2, "works on databases");
}

/// An export holds everything, even what an import refuses.
#[test]
fn export_holds_reserved_and_lost_scopes() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "Ops", "--scope", "keygate:admin"]).succeeds();
        let reserved = sandbox.issue(&["Ops", "--scope", "keygate:admin"]);
        sandbox.run(["client", "add", "App 1", "--scope", "a", "--scope", "b"]).succeeds();
        let lost = sandbox.issue(&["App 1", "--scope", "a", "--scope", "b"]);
        sandbox.run(["client", "set", "App 1", "--remove-scope", "b"]).succeeds();
        let keys = sandbox.keys();

        let result = sandbox.run(["export", "--out", "copy.yml", "--json"]).succeeds();
        assert_eq!((&result.json()["clients"], &result.json()["keys"]), (&2.into(), &2.into()));
        let mut copied = sandbox.run(["key", "list", "--store", "copy.yml", "--json"]).json();
        assert_eq!(copied.as_array_mut().unwrap(), &keys);
        for key in [reserved, lost] {
            sandbox.run_with(key.as_bytes(), ["check", "--store", "copy.yml"]).succeeds();
        }

        let other = Sandbox::new();
        let copy = sandbox.path("copy.yml").display().to_string();
        let result = other.run(["import", &copy]);
        let reason =
            "refused the client Ops: its scope `keygate:admin` is reserved and not imported";
        assert!(result.code == 1 && result.err.contains(reason), "{}", result.err);
        assert!(!other.file().contains("Ops"));
    }
}
