use serde_json::json;

use crate::tool::{Sandbox, id_of, stores};

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
fn key_with_networks_is_valid_from_them() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let restricted = ["client", "add", "App 2", "--network", "10.0.0.0/8", "--network", "::1"];
        sandbox.run(restricted).succeeds();
        let own = sandbox.issue(&["App 1", "--network", "10.1.0.0/16"]);
        let of_client = sandbox.issue(&["App 2"]);
        let free = sandbox.issue(&["App 1"]);
        for (key, client, networks) in [
            (&own, "App 1", &["10.1.0.0/16"][..]),
            (&of_client, "App 2", &["10.0.0.0/8", "::1/128"]),
            (&free, "App 1", &[]),
        ] {
            let check =
                |options: &[&str]| sandbox.run_with(key.as_bytes(), [&["check"], options].concat());
            let only = if networks.is_empty() { "" } else { ", only from " };
            let (id, listed) = (id_of(key), networks.join(" "));
            let valid = format!("valid: {id} of {client}, never expires{only}{listed}\n");
            for from in [&[][..], &["--from", "10.1.2.3"], &["--from", "::ffff:10.1.2.3"]] {
                let result = check(from).succeeds();
                assert_eq!((result.out.as_str(), result.err.as_str()), (valid.as_str(), ""));
            }
            let shown = check(&["--json"]).succeeds().json();
            let networks = if networks.is_empty() { json!(null) } else { json!(networks) };
            assert_eq!(
                (&shown["valid"], &shown["from"], &shown["networks"], &shown["key"]["client"]),
                (&json!(true), &json!(null), &networks, &json!(client))
            );
            let elsewhere = check(&["--from", "192.0.2.1"]);
            let shown = check(&["--from", "192.0.2.1", "--json"]);
            if networks.is_null() {
                assert_eq!(elsewhere.succeeds().out, valid);
                continue;
            }
            let refused = format!(
                "not valid: {id} of {client} is not valid from 192.0.2.1, only from {listed}\n"
            );
            assert_eq!((elsewhere.code, elsewhere.out), (1, refused));
            let (code, shown) = (shown.code, shown.json());
            assert_eq!(
                (code, &shown["valid"], &shown["reason"], &shown["from"], &shown["networks"]),
                (1, &json!(false), &json!("network"), &json!("192.0.2.1"), &networks)
            );
        }
    }
}

#[test]
fn key_outside_the_networks_of_its_client_is_never_valid() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1", "--network", "10.0.0.0/8"]).succeeds();
        let key = sandbox.issue(&["App 1", "--network", "10.1.0.0/16"]);
        sandbox.run(["client", "set", "App 1", "--network", "192.0.2.0/24"]).succeeds();
        let why = "is valid from nowhere: its client lacks its networks";
        for from in [&[][..], &["--from", "10.1.2.3"], &["--from", "192.0.2.1"]] {
            let result = sandbox.run_with(key.as_bytes(), [&["check"], from].concat());
            let expected = format!("not valid: {} of App 1 {why}\n", id_of(&key));
            assert_eq!((result.code, result.out), (1, expected));
        }
        let shown = sandbox.run_with(key.as_bytes(), ["check", "--json"]);
        let (code, shown) = (shown.code, shown.json());
        assert_eq!(
            (code, &shown["valid"], &shown["reason"], &shown["networks"]),
            (1, &json!(false), &json!("network"), &json!([]))
        );
    }
}

#[test]
fn revoked_key_with_networks_is_not_valid() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1", "--network", "10.0.0.0/8"]);
    sandbox.run(["key", "revoke", "--yes", &id_of(&key)]).succeeds();
    for from in [&[][..], &["--from", "10.1.2.3"], &["--from", "192.0.2.1"]] {
        let result = sandbox.run_with(key.as_bytes(), [&["check"], from].concat());
        let expected = format!("not valid: {} of App 1 was revoked\n", id_of(&key));
        assert_eq!((result.code, result.out), (1, expected));
    }
}

#[test]
fn missing_key_is_wrong_usage() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.run(["check"]).fails(2, "no key on standard input");
    sandbox.run_with(b"\n", ["check"]).fails(2, "no key on standard input");
    let from = ["check", "--from", "10.1.2.3"];
    sandbox.run_with(b"\n", from).fails(2, "no key on standard input");
    sandbox.run(["check", "--from", "here"]).fails(2, "--from <ADDRESS>: ");
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
