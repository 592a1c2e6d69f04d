use crate::tool::{Place, id_of};

#[test]
fn valid_key_is_told_with_its_client_label_and_expiry() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1", "--label", "production", "--expires", "90d"]);
    let expected = format!("valid: {} (production) of App 1, expires in 90 days\n", id_of(&key));
    for end in ["", "\n", "\r\n"] {
        let answer = place.run_with(format!("{key}{end}").as_bytes(), ["check"]).succeeds();
        assert_eq!((answer.out, answer.err), (expected.clone(), String::new()));
    }
}

#[test]
fn key_that_is_not_valid_is_told_with_the_reason() {
    let place = Place::with_client("App 1");
    let reason = |key: &[u8]| {
        let answer = place.run_with(key, ["check"]);
        assert_eq!((answer.code, answer.err.as_str()), (1, ""));
        answer.out
    };
    assert_eq!(reason(b"nobody's key, and long enough"), "not valid: the key is unknown\n");
    assert_eq!(reason(&[0xff; 40]), "not valid: the key is unknown\n");
    assert_eq!(reason(&[b'k'; 600]), "not valid: the key does not have the form of a key\n");
}

#[test]
fn outer_blanks_get_the_verdict_of_the_wire() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1"]);
    for (text, seen) in [
        (format!("{key} \n"), "a blank behind it, which HTTP removes"),
        (format!("\t{key}"), "a blank before it, which HTTP removes"),
    ] {
        let answer = place.run_with(text.as_bytes(), ["check"]).succeeds();
        assert!(answer.out.starts_with("valid: ") && answer.err.contains(seen), "{answer:?}");
        let answer = place.run_with(text.as_bytes(), ["check", "--json"]).succeeds();
        assert_eq!(answer.json()["around"].as_array().unwrap().len(), 1, "{answer:?}");
    }
}

#[test]
fn kinds_of_what_surrounds_a_key_are_told_without_it() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1"]);
    for (text, seen) in [
        (format!("\"{key}\"\n"), "quotes"),
        (format!("Bearer {key}\n"), "a scheme, such as `Bearer`"),
        (format!("x-api-key: {key}\n"), "a name, as of a header or a variable"),
        (format!("\u{feff}{key}\n"), "a byte order mark"),
        (format!("{key}\n\n"), "further lines"),
        (format!("{key}\n{key}\n"), "further lines"),
    ] {
        let answer = place.run_with(text.as_bytes(), ["check"]);
        assert_eq!((answer.code, answer.out.as_str()), (1, "not valid: the key is unknown\n"));
        assert!(answer.err.contains(&format!("around the key: {seen};")), "{}", answer.err);
        let answer = place.run_with(text.as_bytes(), ["check", "--json"]);
        assert_eq!((answer.code, &answer.json()["around"]), (1, &serde_json::json!([seen])));
    }
}

#[test]
fn verdict_in_json_names_reason_and_key() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1"]);
    let valid = place.run_with(key.as_bytes(), ["check", "--json"]).succeeds().json();
    assert_eq!((&valid["valid"], &valid["reason"]), (&true.into(), &().into()));
    assert_eq!(
        (&valid["key"]["key_id"], &valid["key"]["client"]),
        (&id_of(&key).into(), &"App 1".into())
    );

    let answer = place.run_with(b"nobody's key, and long enough", ["check", "--json"]);
    assert_eq!(answer.code, 1);
    let unknown = answer.json();
    assert_eq!((&unknown["valid"], &unknown["reason"]), (&false.into(), &"unknown".into()));
    assert!(unknown["key"].is_null());
}

#[test]
fn no_key_at_all_is_wrong_usage() {
    let place = Place::with_client("App 1");
    place.run(["check"]).fails(2, "no key on standard input");
    place.run_with(b"\n", ["check"]).fails(2, "no key on standard input");
}

#[test]
fn verdict_stands_where_nobody_reads_it() {
    let place = Place::with_client("App 1");
    assert_eq!(place.run_on_closed_pipe(["check"]).code, 2);
    let key = place.issue(&["App 1"]);
    std::fs::write(place.path("key"), key).unwrap();
    let input = std::fs::File::open(place.path("key")).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.command(["check"]).stdin(input).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn warnings_of_the_file_are_told_on_standard_error() {
    let place = Place::with_file("allow_weak_keys: true\napi_key: hunter2\n");
    let answer = place.run_with(b"hunter2", ["check"]).succeeds();
    assert!(answer.err.contains("warning: keys.yaml:2:"), "{}", answer.err);
    assert!(!answer.err.contains("hunter2") && !answer.out.contains("hunter2"));
    let answer = place.run_with(b"hunter2", ["check", "--json"]).succeeds();
    for line in answer.err.lines() {
        let warning: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(warning["warning"].as_str().unwrap().starts_with("keys.yaml:"), "{line}");
    }
}
