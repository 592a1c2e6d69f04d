//! Creating, hashing and linting key files.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::tool::Sandbox;

const KEYS: [(&str, &str); 3] = [
    ("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1"),
    ("ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM", "User 2"),
    ("Hn2vqPoFpiwO1QCK7OXnu-xvRoNRnlLwC4nI_-Ivc2Y", "App 1"),
];

fn plain() -> Sandbox {
    let keys: String = KEYS.map(|(key, name)| format!("  {key}: {name}\n")).concat();
    Sandbox::with_file(&format!("# our keys\napi_keys:\n{keys}"))
}

#[test]
fn init_creates_a_file_that_only_its_owner_can_read() {
    let sandbox = Sandbox::empty();
    let result = sandbox.run(["init", "--json"]).succeeds();
    assert_eq!(result.json(), json!({ "store": "keys.yaml" }));
    let mode = sandbox.path("keys.yaml").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    sandbox.run(["client", "add", "App 1"]).succeeds();
}

#[test]
fn init_overwrites_nothing() {
    let sandbox = plain();
    let before = sandbox.file();
    sandbox.run(["init"]).fails(1, "keys.yaml already exists");
    assert_eq!(sandbox.file(), before);
}

#[test]
fn missing_folder_is_named() {
    let sandbox = Sandbox::empty();
    let reason = "no/keys.yaml: the folder no does not exist: create it first";
    sandbox.run(["init", "--store", "no/keys.yaml"]).fails(3, reason);
    let sandbox = Sandbox::with_client("App 1");
    for command in [&["export"][..], &["key", "issue", "App 1"]] {
        let out = command.iter().copied().chain(["--out", "no/file"]);
        sandbox.run(out).fails(3, "the folder no does not exist: create it first");
    }
    #[cfg(feature = "sqlite")]
    sandbox
        .run(["migrate", "--store", "sqlite:no/keys.db"])
        .fails(3, "/no does not exist: create it first");
}

#[test]
fn hashed_keys_keep_working_without_plaintext() {
    let sandbox = plain();
    sandbox.run(["hash"]).fails(2, "give --yes");
    let result = sandbox.run(["hash", "--yes"]).succeeds();
    assert!(result.err.starts_with("3 keys are now digests"), "{}", result.err);
    assert!(result.err.contains("version control and backups still contain the plaintext"));
    let file = sandbox.file();
    assert!(file.contains("# our keys"));
    for (key, name) in KEYS {
        assert!(!file.contains(key));
        let result = sandbox.run_with(key.as_bytes(), ["check"]).succeeds();
        assert!(result.out.contains(&format!(" of {name},")), "{}", result.out);
    }
}

#[test]
fn hashing_digests_changes_nothing() {
    let sandbox = plain();
    let result = sandbox.run(["hash", "--yes", "--json"]).succeeds();
    assert_eq!(result.json(), json!({ "store": "keys.yaml", "hashed": 3 }));
    let before = sandbox.file();
    let result = sandbox.run(["hash", "--yes"]).succeeds();
    assert!(result.err.contains("no plaintext keys"), "{}", result.err);
    assert_eq!(sandbox.file(), before);
}

#[test]
fn lint_finds_every_error_at_once() {
    let sandbox = Sandbox::with_file(
        "api_keys:\n  hunter2: User 1\nquota: 1\nclients: {App 1: {scopes: [A]}}\n",
    );
    let result = sandbox.run(["lint"]);
    assert_eq!((result.code, result.err.as_str()), (1, ""));
    let lines: Vec<_> = result.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", result.out);
    for (line, number) in lines.iter().zip(2..) {
        assert!(line.starts_with(&format!("keys.yaml:{number}:")), "{line}");
    }
    assert!(!result.out.contains("hunter2"));

    let result = sandbox.run(["lint", "--json"]);
    assert_eq!(result.code, 1);
    let found = result.json();
    assert_eq!(found.as_array().unwrap().len(), 3);
    assert_eq!(
        (&found[0]["kind"], &found[0]["path"], &found[0]["line"], &found[0]["column"]),
        (&"error".into(), &"keys.yaml".into(), &2.into(), &3.into())
    );
    assert!(found[0]["message"].as_str().unwrap().starts_with("the key is shorter"), "{found}");
}

#[test]
fn warnings_alone_exit_0() {
    let sandbox = Sandbox::with_file("allow_weak_keys: true\napi_key: hunter2\n");
    let result = sandbox.run(["lint"]).succeeds();
    assert!(result.out.starts_with("keys.yaml:2:"), "{}", result.out);
    assert!(result.out.contains(": warning: the key is shorter"), "{}", result.out);
}

#[test]
fn clean_file_has_no_findings() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.issue(&["App 1"]);
    let result = sandbox.run(["lint"]).succeeds();
    assert_eq!(result.out, "");
    assert!(result.err.starts_with("no problems in keys.yaml: checked syntax"), "{}", result.err);
    assert_eq!(result.err.lines().count(), 1);
    assert_eq!(sandbox.run(["lint", "--json"]).succeeds().out, "[]\n");
}

#[test]
fn unreadable_file_is_an_unavailable_store() {
    let sandbox = Sandbox::empty();
    sandbox.run(["lint"]).fails(3, "keys.yaml: the file cannot be read");
    sandbox.run(["key", "list"]).fails(3, "`keygate init` creates a new one");
    sandbox.run(["hash", "--yes"]).fails(3, "keys.yaml");
    let sandbox = Sandbox::with_file("api_keys: [\n");
    sandbox.run(["key", "list"]).fails(3, "keys.yaml:");
    sandbox.run(["client", "add", "App 1"]).fails(3, "keys.yaml:");
    assert_eq!(sandbox.run(["lint"]).code, 1);
}
