//! Key files in flow style (JSON), which the tool reads but does not edit.

use keygate::KeyId;

use crate::tool::Sandbox;

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

fn json() -> (Sandbox, KeyId) {
    let file = format!("{{\"api_keys\": {{\"{KEY}\": \"App 1\"}}}}\n");
    let id = crate::tool::id_of(KEY).parse().unwrap();
    (Sandbox::with_file(&file), id)
}

#[test]
fn edits_of_a_json_file_exit_1_and_change_nothing() {
    let (sandbox, id) = json();
    let (before, id) = (sandbox.file(), id.to_string());
    let other = Sandbox::with_client("App 2");
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
        let result = sandbox.run(arguments);
        assert_eq!(result.code, 1, "{arguments:?}: {}", result.err);
        let expected = "keys.yaml: line 1 is in flow style";
        assert!(result.err.contains(expected), "{arguments:?}: {}", result.err);
        assert_eq!(sandbox.file(), before, "{arguments:?}");
    }
    sandbox.run_with(KEY.as_bytes(), ["check"]).succeeds();
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
            let sandbox = Sandbox::with_file(&file);
            let result = sandbox.run([command, more].concat());
            assert_eq!((result.code, &*result.out), (1, ""), "{command:?}: {}", result.err);
            assert!(result.err.contains("is in flow style"), "{}", result.err);
            assert!(!result.err.contains("discard it"), "{}", result.err);
            assert_eq!((sandbox.file(), sandbox.other_files()), (file.clone(), vec![]));
        }
    }
}

#[test]
fn lint_suggests_export_for_keys_in_flow_style() {
    let (sandbox, _) = json();
    let result = sandbox.run(["lint"]).succeeds();
    let note = "keys.yaml contains 1 key in plaintext: `keygate hash` would turn them into digests, but: \
                keys.yaml: line 1 is in flow style (between brackets, as in JSON), which is read but not \
                edited: `keygate export` writes";
    assert!(result.err.contains(note), "{}", result.err);
}

#[test]
fn exported_json_file_can_be_edited() {
    let (sandbox, id) = json();
    sandbox.run(["export", "--out", "block.yaml"]).succeeds();
    let at = ["--store", "block.yaml"];
    sandbox.run([&["key", "issue", "App 1"][..], &at].concat()).succeeds();
    sandbox.run([&["key", "revoke", &id.to_string(), "--yes"][..], &at].concat()).succeeds();
    let result = sandbox.run_with(KEY.as_bytes(), [&["check"][..], &at].concat());
    assert!(result.out.contains("revoked"), "{}", result.out);
}
