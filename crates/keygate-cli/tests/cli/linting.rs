//! Findings of `lint` in keys and names, and warnings about texts that look like keys.

use crate::tool::Sandbox;

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

fn found(text: &str) -> Vec<String> {
    let sandbox = Sandbox::with_file(text);
    let result = sandbox.run(["lint"]).succeeds();
    result.out.lines().map(|line| line.strip_prefix("keys.yaml:").unwrap().to_owned()).collect()
}

#[test]
fn lint_finds_keys_of_words_and_patterns() {
    let lines = found(&format!(
        "api_keys:\n  passwordpassword1234: User 1\n  {KEY}: User 2\n  'correct horse battery staple': User 3\n"
    ));
    let [words, passphrase] = &lines[..] else { panic!("{lines:?}") };
    for (line, position) in [(words, "2:3: "), (passphrase, "4:3: ")] {
        let warning = format!("{position}warning: the key consists of words or patterns");
        assert!(line.starts_with(&warning), "{line}");
        assert!(!line.contains("password") && !line.contains("horse"), "{line}");
    }
}

#[test]
fn refused_key_is_one_finding() {
    let sandbox = Sandbox::with_file("api_keys:\n  aaaaaaaaaaaaaaaa: User 1\n  hunter2: User 2\n");
    let result = sandbox.run(["lint"]);
    assert_eq!((result.code, result.out.lines().count()), (1, 2), "{}", result.out);
}

#[test]
fn lint_finds_names_that_look_alike() {
    let lines = found(
        "clients:\n  Größe:\n  GRÖSSE:\n  Gro\u{308}ße 2:\n  Billing:\n  Billing 2:\napi_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n",
    );
    let [case, form] = &lines[..] else { panic!("{lines:?}") };
    assert!(case.starts_with("3:3: ") && case.contains("differs from the one on line 2"), "{case}");
    assert!(form.starts_with("4:3: ") && form.contains("normalization form C"), "{form}");
}

#[test]
fn lint_suggests_hash_for_plaintext_keys() {
    let sandbox = Sandbox::with_file(&format!("api_keys:\n  {KEY}: User 1\n"));
    let result = sandbox.run(["lint"]).succeeds();
    let note = "keys.yaml contains 1 key in plaintext: `keygate hash` turns them into digests";
    assert!(result.err.contains(note), "{}", result.err);
    sandbox.run(["hash", "--yes"]).succeeds();
    let result = sandbox.run(["lint"]).succeeds();
    assert!(!result.err.contains("keygate hash"), "{}", result.err);
}

#[test]
fn texts_that_look_like_keys_are_reported_before_writing() {
    let sandbox = Sandbox::new();
    let shown = |result: crate::tool::CommandResult, what: &str| {
        let result = result.succeeds();
        let warning = format!("warning: {what} looks like a key, but everyone can read it");
        assert!(result.err.contains(&warning), "{}", result.err);
        assert!(!result.err.lines().next().unwrap().contains(KEY), "{}", result.err);
    };
    shown(sandbox.run(["client", "add", KEY]), "the name of the client");
    let note = format!("note={KEY}");
    shown(sandbox.run(["client", "add", "App 1", "--metadata", &note]), "a value in the metadata");
    let note = format!("{KEY}=note");
    shown(sandbox.run(["client", "add", "App 2", "--metadata", &note]), "a name in the metadata");
    shown(sandbox.run(["key", "issue", "App 1", "--label", KEY]), "the label");
    let id = sandbox.keys()[0]["key_id"].as_str().unwrap().to_owned();
    shown(sandbox.run(["key", "rotate", &id, "--label", &format!("{KEY}2")]), "the label");
    let sandbox = Sandbox::new();
    let result = sandbox.run(["client", "add", "App 3", "--metadata", "team=billing"]).succeeds();
    assert!(!result.err.contains("looks like a key"), "{}", result.err);
}

#[test]
fn lint_finds_keys_that_never_work() {
    const DIGEST: &str = "c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let times = "not_before: 2098-01-02T00:00:00Z, expires: 2098-01-02T00:00:00Z";
    let key = |first: char, more: &str| {
        format!("      - {{digest: sha256:{first}{DIGEST}, {times}{more}}}\n")
    };
    // The rotation of a key that does not work yet ends it before its beginning.
    let ended =
        [key('1', ", revoked: 2026-01-01T00:00:00Z"), key('2', ", replaced_by: 0c26b46b68ffc68f")];
    let lines =
        found(&format!("clients:\n  App 1:\n    keys:\n{}{}", key('0', ""), ended.concat()));
    let never = lines.iter().filter(|line| line.contains("before it begins to work"));
    let [line] = &never.collect::<Vec<_>>()[..] else { panic!("{lines:?}") };
    assert!(line.starts_with("4:134: warning: this key expires"), "{line}");
}
