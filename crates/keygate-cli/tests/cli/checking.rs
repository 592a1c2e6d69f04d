use crate::tool::{Sandbox, id_of};

#[test]
fn valid_key_is_reported_with_client_label_and_expiry() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1", "--label", "production", "--expires", "90d"]);
    let expected = format!("valid: {} (production) of App 1, expires in 90 days\n", id_of(&key));
    for end in ["", "\n", "\r\n"] {
        let result = sandbox.run_with(format!("{key}{end}").as_bytes(), ["check"]).succeeds();
        assert_eq!((result.out, result.err), (expected.clone(), String::new()));
    }
}

#[test]
fn invalid_key_is_reported_with_its_reason() {
    let sandbox = Sandbox::with_client("App 1");
    let reason = |key: &[u8]| {
        let result = sandbox.run_with(key, ["check"]);
        assert_eq!((result.code, result.err.as_str()), (1, ""));
        result.out
    };
    assert_eq!(reason(b"nobody's key, and long enough"), "not valid: the key is unknown\n");
    assert_eq!(reason(&[0xff; 40]), "not valid: the key is unknown\n");
    assert_eq!(reason(&[b'k'; 600]), "not valid: the key is malformed\n");
}

#[test]
fn outer_whitespace_is_ignored_as_in_a_request() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    for (text, seen) in [
        (format!("{key} \n"), "a blank after it, which HTTP removes"),
        (format!("\t{key}"), "a blank before it, which HTTP removes"),
    ] {
        let result = sandbox.run_with(text.as_bytes(), ["check"]).succeeds();
        assert!(result.out.starts_with("valid: ") && result.err.contains(seen), "{result:?}");
        let result = sandbox.run_with(text.as_bytes(), ["check", "--json"]).succeeds();
        assert_eq!(result.json()["around"].as_array().unwrap().len(), 1, "{result:?}");
    }
}

#[test]
fn text_around_a_key_is_reported_by_kind_only() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    for (text, seen) in [
        (format!("\"{key}\"\n"), "quotes"),
        (format!("Bearer {key}\n"), "a scheme, such as `Bearer`"),
        (format!("x-api-key: {key}\n"), "a name, as of a header or a variable"),
        (format!("\u{feff}{key}\n"), "a byte order mark"),
        (format!("{key}\n\n"), "further lines"),
        (format!("{key}\n{key}\n"), "further lines"),
    ] {
        let result = sandbox.run_with(text.as_bytes(), ["check"]);
        assert_eq!((result.code, result.out.as_str()), (1, "not valid: the key is unknown\n"));
        assert!(result.err.contains(&format!("around the key: {seen};")), "{}", result.err);
        let result = sandbox.run_with(text.as_bytes(), ["check", "--json"]);
        assert_eq!((result.code, &result.json()["around"]), (1, &serde_json::json!([seen])));
    }
}

#[test]
fn json_of_check_names_reason_and_key() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    let valid = sandbox.run_with(key.as_bytes(), ["check", "--json"]).succeeds().json();
    assert_eq!((&valid["valid"], &valid["reason"]), (&true.into(), &().into()));
    assert_eq!(
        (&valid["key"]["key_id"], &valid["key"]["client"]),
        (&id_of(&key).into(), &"App 1".into())
    );

    let result = sandbox.run_with(b"nobody's key, and long enough", ["check", "--json"]);
    assert_eq!(result.code, 1);
    let unknown = result.json();
    assert_eq!((&unknown["valid"], &unknown["reason"]), (&false.into(), &"unknown".into()));
    assert!(unknown["key"].is_null());
}

#[test]
fn missing_key_is_wrong_usage() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.run(["check"]).fails(2, "no key on standard input");
    sandbox.run_with(b"\n", ["check"]).fails(2, "no key on standard input");
}

#[test]
fn closed_pipe_keeps_the_exit_code_of_check() {
    let sandbox = Sandbox::with_client("App 1");
    assert_eq!(sandbox.run_on_closed_pipe(["check"]).code, 2);
    let key = sandbox.issue(&["App 1"]);
    std::fs::write(sandbox.path("key"), key).unwrap();
    let input = std::fs::File::open(sandbox.path("key")).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = sandbox.command(["check"]).stdin(input).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn warnings_of_the_file_are_on_standard_error() {
    let sandbox = Sandbox::with_file("allow_weak_keys: true\napi_key: hunter2\n");
    let result = sandbox.run_with(b"hunter2", ["check"]).succeeds();
    assert!(result.err.contains("warning: keys.yaml:2:"), "{}", result.err);
    assert!(!result.err.contains("hunter2") && !result.out.contains("hunter2"));
    let result = sandbox.run_with(b"hunter2", ["check", "--json"]).succeeds();
    for line in result.err.lines() {
        let warning: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(warning["warning"].as_str().unwrap().starts_with("keys.yaml:"), "{line}");
    }
}
