//! Key files in flow style (JSON), which the tool reads and does not edit.

use keygate::KeyId;

use crate::tool::Place;

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

fn json() -> (Place, KeyId) {
    let file = format!("{{\"api_keys\": {{\"{KEY}\": \"App 1\"}}}}\n");
    let id = crate::tool::id_of(KEY).parse().unwrap();
    (Place::with_file(&file), id)
}

#[test]
fn edits_of_a_json_file_exit_1_and_change_nothing() {
    let (place, id) = json();
    let (before, id) = (place.file(), id.to_string());
    let other = Place::with_client("App 2");
    let other = other.path("keys.yaml").display().to_string();
    for arguments in [
        &["client", "add", "App 2"][..],
        &["client", "disable", "App 1"],
        &["key", "issue", "App 1"],
        &["key", "rotate", &id],
        &["key", "revoke", &id, "--yes"],
        &["hash", "--yes"],
        &["import", &other],
    ] {
        let answer = place.run(arguments);
        assert_eq!(answer.code, 1, "{arguments:?}: {}", answer.err);
        let expected = "keys.yaml: line 1 is in flow style";
        assert!(answer.err.contains(expected), "{arguments:?}: {}", answer.err);
        assert_eq!(place.file(), before, "{arguments:?}");
    }
    place.run_with(KEY.as_bytes(), ["check"]).succeeds();
}

#[test]
fn refused_edit_shows_no_key() {
    let client = "clients:\n  App 1: {scopes: [a]}\n";
    let key = format!("api_keys: {{{KEY}: App 1}}\n");
    for (file, command) in [
        (json().0.file(), &["key", "issue", "App 1"][..]),
        (json().0.file(), &["key", "rotate", &crate::tool::id_of(KEY)]),
        (client.to_owned(), &["key", "issue", "App 1"]),
        (key, &["key", "rotate", &crate::tool::id_of(KEY)]),
    ] {
        for more in [&[][..], &["--out", "new"], &["--json"]] {
            let place = Place::with_file(&file);
            let answer = place.run([command, more].concat());
            assert_eq!((answer.code, &*answer.out), (1, ""), "{command:?}: {}", answer.err);
            assert!(answer.err.contains("is in flow style"), "{}", answer.err);
            assert!(!answer.err.contains("throw it away"), "{}", answer.err);
            assert_eq!((place.file(), place.other_files()), (file.clone(), vec![]));
        }
    }
}

#[test]
fn lint_names_export_for_keys_in_flow_style() {
    let (place, _) = json();
    let answer = place.run(["lint"]).succeeds();
    let note = "keys.yaml holds 1 key in plaintext: `keygate hash` would turn them into digests, but: \
                keys.yaml: line 1 is in flow style (between brackets, as in JSON), which is read and not \
                edited: `keygate export` writes";
    assert!(answer.err.contains(note), "{}", answer.err);
}

#[test]
fn exported_json_file_can_be_edited() {
    let (place, id) = json();
    place.run(["export", "--out", "block.yaml"]).succeeds();
    let at = ["--store", "block.yaml"];
    place.run([&["key", "issue", "App 1"][..], &at].concat()).succeeds();
    place.run([&["key", "revoke", &id.to_string(), "--yes"][..], &at].concat()).succeeds();
    let answer = place.run_with(KEY.as_bytes(), [&["check"][..], &at].concat());
    assert!(answer.out.contains("revoked"), "{}", answer.out);
}
