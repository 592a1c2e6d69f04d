//! Moving keys from one store to another.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::tool::Place;

const EXAMPLE: &str = include_str!("../../../../examples/keys.yml");

#[test]
fn keys_move_from_file_to_file_and_go_on_working() {
    let place = Place::new();
    fs::write(place.path("old.yml"), EXAMPLE).unwrap();
    let answer = place.run(["import", "old.yml", "--json"]).succeeds();
    let part = |added| json!({ "added": added, "kept": 0, "refused": [] });
    assert_eq!(answer.json(), json!({ "clients": part(3), "keys": part(3) }));
    let key = b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n";
    place.run_with(key, ["check"]).succeeds();
    assert!(!place.file().contains("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU"));
}

#[test]
fn import_again_changes_nothing() {
    let place = Place::new();
    fs::write(place.path("old.yml"), EXAMPLE).unwrap();
    let answer = place.run(["import", "old.yml"]).succeeds();
    assert_eq!(
        answer.err.lines().last(),
        Some("added 3 clients and 3 keys, kept 0 clients and 0 keys, refused 0 clients and 0 keys")
    );
    let before = place.file();
    let answer = place.run(["import", "old.yml"]).succeeds();
    assert!(answer.err.contains("kept 3 clients and 3 keys"), "{}", answer.err);
    assert_eq!(place.file(), before);
}

#[test]
fn what_differs_is_refused_with_a_reason_and_exit_code_1() {
    let place = Place::new();
    fs::write(place.path("old.yml"), EXAMPLE).unwrap();
    place.run(["import", "old.yml"]).succeeds();
    let id = place.keys()[0]["key_id"].as_str().unwrap().to_owned();
    place.run(["key", "revoke", "--yes", &id]).succeeds();
    place.run(["client", "disable", "User 1"]).succeeds();
    let before = place.file();

    let answer = place.run(["import", "old.yml"]);
    assert_eq!(answer.code, 1);
    let warning = "refused the client User 1: it is here already and differs in enabled";
    assert!(answer.err.contains(warning), "{}", answer.err);
    assert!(answer.err.contains("revoked is final"), "{}", answer.err);
    let answer = place.run(["import", "old.yml", "--json"]);
    assert_eq!(answer.code, 1);
    let refused = &answer.json()["keys"]["refused"][0];
    assert_eq!(refused["key_id"], id);
    assert_eq!(place.file(), before);
}

#[test]
fn export_is_a_file_that_loads_with_digests_only() {
    let place = Place::with_file(EXAMPLE);
    place.run(["client", "disable", "User 1"]).succeeds();
    let answer = place.run(["export", "--out", "new.yml", "--json"]).succeeds();
    assert_eq!(answer.json(), json!({ "clients": 3, "keys": 3, "out": "new.yml" }));
    let mode = place.path("new.yml").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(place.run(["lint", "--store", "new.yml"]).succeeds().out, "");
    assert!(!place.read("new.yml").contains("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU"));
    place.run(["export", "--out", "new.yml"]).fails(1, "new.yml exists already");
    assert_eq!(place.run(["export"]).succeeds().out, place.read("new.yml"));
    assert_eq!(place.other_files(), ["new.yml"]);
    let key = b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n";
    let answer = place.run_with(key, ["check", "--store", "new.yml"]);
    assert!(answer.out.contains("a client that is disabled"), "{}", answer.out);
}

#[test]
fn source_that_is_missing_or_broken_is_unavailable() {
    let place = Place::new();
    let before = place.file();
    place.run(["import", "none.yml"]).fails(3, "none.yml");
    fs::write(place.path("bad.yml"), "api_keys: [").unwrap();
    place.run(["import", "bad.yml"]).fails(3, "bad.yml");
    place.run(["import"]).fails(2, "<SOURCE> is missing");
    place.run(["import", "redis://me:hunter2@db"]).fails(2, "of a kind that is known");
    assert_eq!(place.file(), before);
}

#[test]
fn key_files_need_no_migration() {
    Place::new().run(["migrate"]).fails(2, "is for databases");
}
