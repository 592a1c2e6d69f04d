//! Keys in an application's own file.

use serde_json::{Value, json};

use crate::tool::{CommandResult, Sandbox, id_of};

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const TOP: &str = "\
                   # Ours: &
version: \"2.1\"
database: &db {url: !secret x, pool: [1, 2]}
replica: *db
";
const NOTE: &str = "keys.yaml is an application's own file: keys are read from `api_keys` at the top and from the \
                    section `keygate` (use --section for another one)";

fn own() -> Sandbox {
    Sandbox::with_file(&format!("{TOP}api_keys:\n  {KEY}: User 1\n"))
}

/// Checks that the first line, and no other one, is the note on the kind of the file.
#[track_caller]
fn noted(result: CommandResult) -> CommandResult {
    assert_eq!(result.err.lines().next(), Some(NOTE), "{}", result.err);
    assert_eq!(result.err.matches("application's own").count(), 1, "{}", result.err);
    result
}

#[test]
fn all_commands_work_on_an_applications_own_file() {
    let sandbox = own();
    let id = id_of(KEY);
    for arguments in [
        &["client", "add", "App 1"][..],
        &["client", "set", "User 1", "--add-scope", "orders:read"],
        &["key", "set", &id, "--label", "first"],
        &["key", "list"],
        &["client", "show", "App 1"],
        &["policy", "set", "--max-lifetime", "365d"],
        &["key", "issue", "App 1", "--expires", "90d", "--out", "key"],
        &["client", "disable", "App 1"],
        &["export", "--out", "other.yaml"],
        &["lint"],
        &["hash", "--yes"],
        &["key", "revoke", &id, "--yes"],
        &["audit", "--unused-for", "1d"],
    ] {
        let result = noted(sandbox.run(arguments));
        assert!(
            result.code <= 1 && !result.err.contains("keygate: "),
            "{arguments:?}: {}",
            result.err
        );
        assert!(sandbox.file().starts_with(TOP), "{arguments:?}: {}", sandbox.file());
    }
    let file = sandbox.file();
    assert!(!file.contains(KEY) && file.contains("\nkeygate:\n"), "{file}");
    noted(sandbox.run_with(KEY.as_bytes(), ["check"])).fails_with_note("revoked");
}

impl CommandResult {
    #[track_caller]
    fn fails_with_note(&self, text: &str) {
        assert_eq!(self.code, 1, "{}", self.err);
        assert!(format!("{}{}", self.out, self.err).contains(text), "{} {}", self.out, self.err);
    }
}

#[test]
fn hash_moves_keys_into_the_section() {
    let sandbox = own();
    noted(sandbox.run(["hash", "--yes"])).succeeds();
    let digest = keygate::KeyDigest::of(KEY.as_bytes()).to_text();
    let section =
        format!("keygate:\n  clients:\n    User 1:\n      keys:\n        - digest: {digest}\n");
    assert_eq!(sandbox.file(), format!("{TOP}{section}"));
    assert!(
        noted(sandbox.run_with(KEY.as_bytes(), ["check"])).succeeds().out.contains(" of User 1,")
    );
}

#[test]
fn section_option_selects_another_section() {
    let sandbox = Sandbox::with_file("auth:\n  realm: &r x\n  keys:\n    clients:\n  again: *r\n");
    let add = sandbox.run(["client", "add", "App 1", "--section", "auth.keys"]).succeeds();
    assert!(add.err.contains("the section `auth.keys`"), "{}", add.err);
    assert_eq!(
        sandbox.file(),
        "auth:\n  realm: &r x\n  keys:\n    clients:\n      App 1:\n  again: *r\n"
    );
    sandbox.run(["client", "list", "--section", "a..b"]).failed(3, "the name of a section");
    sandbox
        .run(["client", "list"])
        .failed(3, "neither `api_key` nor `api_keys` nor the section `keygate`");
}

impl CommandResult {
    #[track_caller]
    fn failed(&self, code: i32, text: &str) {
        assert_eq!(self.code, code, "{}", self.err);
        assert!(self.err.contains(text), "{}", self.err);
    }
}

#[test]
fn key_file_with_a_mistake_is_not_taken_for_an_own_file() {
    for text in ["api_kesy:\n", "Clients:\n", "quota: 1\napi_keys:\n"] {
        let sandbox = Sandbox::with_file(text);
        sandbox.run(["key", "list"]).fails(3, "keys.yaml:1:1: unknown field");
    }
}

#[test]
fn lint_finds_misspelt_sections_of_an_own_file() {
    let sandbox = Sandbox::with_file(&format!("{TOP}api_keys:\n  {KEY}: User 1\nApiKeys: {{}}\n"));
    let result = noted(sandbox.run(["lint"])).succeeds();
    let expected = "keys.yaml:7:1: warning: this name resembles `api_keys`";
    assert!(result.out.starts_with(expected), "{}", result.out);
    let json = sandbox.run(["lint", "--json"]).succeeds();
    assert_eq!(json.json()[0]["line"], 7);
    let note: Value = serde_json::from_str(json.err.lines().next().unwrap()).unwrap();
    assert_eq!(note, json!({ "note": NOTE }));

    let sandbox = Sandbox::with_file(TOP);
    let result = sandbox.run(["lint"]);
    assert_eq!(result.code, 1);
    assert!(result.out.starts_with("keys.yaml:1:1: this file has neither"), "{}", result.out);
}

#[test]
fn keys_of_an_own_file_are_imported() {
    let sandbox = own();
    std::fs::rename(sandbox.path("keys.yaml"), sandbox.path("config.yml")).unwrap();
    sandbox.run(["init"]).succeeds();
    let result = sandbox.run(["import", "config.yml"]).succeeds();
    assert!(result.err.starts_with("config.yml is an application's own file"), "{}", result.err);
    assert!(sandbox.run_with(KEY.as_bytes(), ["check"]).succeeds().out.contains(" of User 1,"));
}
