//! Making, hashing and linting key files.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::tool::Place;

const KEYS: [(&str, &str); 3] = [
    ("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1"),
    ("ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM", "User 2"),
    ("Hn2vqPoFpiwO1QCK7OXnu-xvRoNRnlLwC4nI_-Ivc2Y", "App 1"),
];

fn plain() -> Place {
    let keys: String = KEYS.map(|(key, name)| format!("  {key}: {name}\n")).concat();
    Place::with_file(&format!("# our keys\napi_keys:\n{keys}"))
}

#[test]
fn init_makes_a_file_for_its_owner_alone() {
    let place = Place::empty();
    let answer = place.run(["init", "--json"]).succeeds();
    assert_eq!(answer.json(), json!({ "store": "keys.yaml" }));
    let mode = place.path("keys.yaml").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    place.run(["client", "add", "App 1"]).succeeds();
}

#[test]
fn init_overwrites_nothing() {
    let place = plain();
    let before = place.file();
    place.run(["init"]).fails(1, "keys.yaml exists already");
    assert_eq!(place.file(), before);
}

#[test]
fn init_in_a_missing_folder_says_that_it_is_missing() {
    let place = Place::empty();
    let reason = "no/keys.yaml: its folder is not there: make it first";
    place.run(["init", "--store", "no/keys.yaml"]).fails(3, reason);
    let place = Place::with_client("App 1");
    for command in [&["export"][..], &["key", "issue", "App 1"]] {
        let out = command.iter().copied().chain(["--out", "no/file"]);
        place.run(out).fails(3, "no/file cannot be written, because its folder is not there");
    }
    #[cfg(feature = "sqlite")]
    place
        .run(["migrate", "--store", "sqlite:no/keys.db"])
        .fails(3, "no/keys.db cannot be made: its folder is not there: make it first");
}

#[test]
fn hashed_keys_go_on_working_and_are_plaintext_no_more() {
    let place = plain();
    place.run(["hash"]).fails(2, "give --yes");
    let answer = place.run(["hash", "--yes"]).succeeds();
    assert!(answer.err.starts_with("3 keys are digests now"), "{}", answer.err);
    assert!(answer.err.contains("version control and backups still hold the old text"));
    let file = place.file();
    assert!(file.contains("# our keys"));
    for (key, name) in KEYS {
        assert!(!file.contains(key));
        let answer = place.run_with(key.as_bytes(), ["check"]).succeeds();
        assert!(answer.out.contains(&format!(" of {name},")), "{}", answer.out);
    }
}

#[test]
fn file_without_plaintext_is_left_as_it_is() {
    let place = plain();
    let answer = place.run(["hash", "--yes", "--json"]).succeeds();
    assert_eq!(answer.json(), json!({ "store": "keys.yaml", "hashed": 3 }));
    let before = place.file();
    let answer = place.run(["hash", "--yes"]).succeeds();
    assert!(answer.err.contains("no plaintext keys"), "{}", answer.err);
    assert_eq!(place.file(), before);
}

#[test]
fn lint_finds_every_error_at_once() {
    let place = Place::with_file(
        "api_keys:\n  hunter2: User 1\nquota: 1\nclients: {App 1: {scopes: [A]}}\n",
    );
    let answer = place.run(["lint"]);
    assert_eq!((answer.code, answer.err.as_str()), (1, ""));
    let lines: Vec<_> = answer.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", answer.out);
    for (line, number) in lines.iter().zip(2..) {
        assert!(line.starts_with(&format!("keys.yaml:{number}:")), "{line}");
    }
    assert!(!answer.out.contains("hunter2"));

    let answer = place.run(["lint", "--json"]);
    assert_eq!(answer.code, 1);
    let found = answer.json();
    assert_eq!(found.as_array().unwrap().len(), 3);
    assert_eq!(
        (&found[0]["kind"], &found[0]["path"], &found[0]["line"], &found[0]["column"]),
        (&"error".into(), &"keys.yaml".into(), &2.into(), &3.into())
    );
    assert!(found[0]["message"].as_str().unwrap().starts_with("the key is shorter"), "{found}");
}

#[test]
fn warnings_alone_are_found_and_no_fault() {
    let place = Place::with_file("allow_weak_keys: true\napi_key: hunter2\n");
    let answer = place.run(["lint"]).succeeds();
    assert!(answer.out.starts_with("keys.yaml:2:"), "{}", answer.out);
    assert!(answer.out.contains(": warning: the key is shorter"), "{}", answer.out);
}

#[test]
fn sound_file_has_nothing_to_say() {
    let place = Place::with_client("App 1");
    place.issue(&["App 1"]);
    let answer = place.run(["lint"]).succeeds();
    assert_eq!(answer.out, "");
    assert!(
        answer.err.starts_with("nothing is wrong in keys.yaml: looked for syntax"),
        "{}",
        answer.err
    );
    assert_eq!(answer.err.lines().count(), 1);
    assert_eq!(place.run(["lint", "--json"]).succeeds().out, "[]\n");
}

#[test]
fn file_that_cannot_be_read_is_a_store_that_is_unavailable() {
    let place = Place::empty();
    place.run(["lint"]).fails(3, "keys.yaml: the file cannot be read");
    place.run(["key", "list"]).fails(3, "`keygate init` makes a new one");
    place.run(["hash", "--yes"]).fails(3, "keys.yaml");
    let place = Place::with_file("api_keys: [\n");
    place.run(["key", "list"]).fails(3, "keys.yaml:");
    place.run(["client", "add", "App 1"]).fails(3, "keys.yaml:");
    assert_eq!(place.run(["lint"]).code, 1);
}
