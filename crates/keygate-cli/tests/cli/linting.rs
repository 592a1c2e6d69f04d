//! What `lint` finds in keys and names, and what the tool warns of before it writes.

use crate::tool::Place;

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

fn found(text: &str) -> Vec<String> {
    let place = Place::with_file(text);
    let answer = place.run(["lint"]).succeeds();
    answer.out.lines().map(|line| line.strip_prefix("keys.yaml:").unwrap().to_owned()).collect()
}

#[test]
fn keys_of_words_and_patterns_are_found() {
    let lines = found(&format!(
        "api_keys:\n  passwordpassword1234: User 1\n  {KEY}: User 2\n  'correct horse battery staple': User 3\n"
    ));
    let [words, passphrase] = &lines[..] else { panic!("{lines:?}") };
    for (line, place) in [(words, "2:3: "), (passphrase, "4:3: ")] {
        let warning = format!("{place}warning: the key is made of words or patterns");
        assert!(line.starts_with(&warning), "{line}");
        assert!(!line.contains("password") && !line.contains("horse"), "{line}");
    }
}

#[test]
fn refused_key_is_not_found_twice() {
    let place = Place::with_file("api_keys:\n  aaaaaaaaaaaaaaaa: User 1\n  hunter2: User 2\n");
    let answer = place.run(["lint"]);
    assert_eq!((answer.code, answer.out.lines().count()), (1, 2), "{}", answer.out);
}

#[test]
fn names_that_look_alike_are_found() {
    let lines = found(
        "clients:\n  Größe:\n  GRÖSSE:\n  Gro\u{308}ße 2:\n  Billing:\n  Billing 2:\napi_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n",
    );
    let [case, form] = &lines[..] else { panic!("{lines:?}") };
    assert!(case.starts_with("3:3: ") && case.contains("the one on line 2 are equal"), "{case}");
    assert!(form.starts_with("4:3: ") && form.contains("normalization form C"), "{form}");
}

#[test]
fn plaintext_keys_are_told_the_way_to_digests() {
    let place = Place::with_file(&format!("api_keys:\n  {KEY}: User 1\n"));
    let answer = place.run(["lint"]).succeeds();
    let note = "keys.yaml holds 1 key in plaintext: `keygate hash` turns them into digests";
    assert!(answer.err.contains(note), "{}", answer.err);
    place.run(["hash", "--yes"]).succeeds();
    let answer = place.run(["lint"]).succeeds();
    assert!(!answer.err.contains("keygate hash"), "{}", answer.err);
}

#[test]
fn texts_that_look_like_keys_are_reported_before_writing() {
    let place = Place::new();
    let shown = |answer: crate::tool::Answer, what: &str| {
        let answer = answer.succeeds();
        let warning = format!("warning: {what} looks like a key, and is shown to people");
        assert!(answer.err.contains(&warning), "{}", answer.err);
        assert!(!answer.err.lines().next().unwrap().contains(KEY), "{}", answer.err);
    };
    shown(place.run(["client", "add", KEY]), "the name of the client");
    let note = format!("note={KEY}");
    shown(place.run(["client", "add", "App 1", "--metadata", &note]), "a text in the metadata");
    let note = format!("{KEY}=note");
    shown(place.run(["client", "add", "App 2", "--metadata", &note]), "a name in the metadata");
    shown(place.run(["key", "issue", "App 1", "--label", KEY]), "the label");
    let id = place.keys()[0]["key_id"].as_str().unwrap().to_owned();
    shown(place.run(["key", "rotate", &id, "--label", &format!("{KEY}2")]), "the label");
    let place = Place::new();
    let answer = place.run(["client", "add", "App 3", "--metadata", "team=billing"]).succeeds();
    assert!(!answer.err.contains("looks like a key"), "{}", answer.err);
}
