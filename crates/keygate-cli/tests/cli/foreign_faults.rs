//! Faults in files of other systems, and what they hold that cannot be imported.

use crate::tool::Sandbox;

pub(crate) const KEY: &str = "Zq8T0pLr4VbXn2Jc7WmKd9Hs3Ga6Fe1Y";

/// Imports texts in these formats, and expects these errors and no change.
#[track_caller]
fn assert_refused(cases: &[(&str, String, &str)]) {
    let sandbox = Sandbox::new();
    let before = sandbox.file();
    for (format, text, expected) in cases {
        std::fs::write(sandbox.path("bad"), text).unwrap();
        let result = sandbox.run(["import", "bad", "--format", format, "--yes"]);
        assert!(!result.err.contains(KEY) && !result.err.contains("hunter2"), "{}", result.err);
        let result = result.fails(1, expected);
        assert!(result.err.contains("nothing was imported"), "{}", result.err);
        assert_eq!(sandbox.file(), before);
    }
}

#[test]
fn expiry_is_never_dropped() {
    assert_refused(&[
        (
            "kong",
            format!(
                "consumers: [{{username: a, keyauth_credentials: [{{key: {KEY}, ttl: '9'}}]}}]"
            ),
            "bad: consumers[0].keyauth_credentials[0].ttl: it is not a number of seconds",
        ),
        (
            "json",
            format!("[{{\"key\": \"{KEY}\", \"name\": \"a\", \"expires\": 1800000000}}]"),
            "bad: [0].expires: it is not a time in this format",
        ),
        (
            "unkey",
            format!("[{{\"plaintext\": \"{KEY}\", \"externalId\": \"a\", \"expires\": [1]}}]"),
            "bad: [0].expires: it is not a time in this format",
        ),
        (
            "litellm",
            format!("[{{\"token\": \"{:064}\", \"user_id\": \"a\", \"expires\": 1800000000}}]", 1),
            "bad: [0].expires: it is not a string",
        ),
        (
            "csv",
            format!("name,key,expires\na,{KEY},\na,{KEY},2036-01-01T00:00:00Z\n"),
            "bad: line 3: it is the same key as at line 2, with another expiry",
        ),
    ]);
}

#[test]
fn faults_name_their_position_and_change_nothing() {
    let cases = [
        (
            "kong",
            "consumers: [{username: a, keyauth_credentials: [{key: 1234567890123456789}]}]"
                .to_owned(),
            "bad: consumers[0].keyauth_credentials[0].key: it is missing or not a string",
        ),
        (
            "kong",
            "consumers: [{username: a, keyauth_credentials: [{key: short}]}]".to_owned(),
            "bad: consumers[0].keyauth_credentials[0]: ",
        ),
        (
            "envoy",
            format!("credentials: [{{client: {KEY}, key: {KEY}}}]"),
            "the name of the client looks like a key",
        ),
        ("kong", "consumers:\n  - &x [\n".to_owned(), "bad:"),
        (
            "envoy",
            format!("credentials: [{{key: {KEY}, client: a}}, {{key: {KEY}, client: b}}]"),
            "bad: credentials[1]: it is the same key as at credentials[0], for another client",
        ),
        ("json", format!("{{\"{KEY}\": \"a\", \"{KEY}\": \"b\"}}"), "a name occurs twice"),
        (
            "json",
            "{\"acme\": \"hunter2hunter2hunter2\"}".to_owned(),
            "give --keys left or --keys right",
        ),
        ("json", format!("{{\"{KEY}\": {{}}}}"), "bad: entry 1: the value is not a string"),
        ("json", format!("[\"{KEY}\", 5]"), "bad: [1]: it has neither a `key` nor a `digest`"),
        (
            "csv",
            format!("name,key\na,{KEY},c\n"),
            "bad: line 2: 3 columns, but the first line has 2",
        ),
        ("csv", format!("a,{KEY}\n"), "bad:1:1: the first line must name the columns"),
        (
            "csv",
            format!("name,key,expires\na,{KEY},tomorrow\n"),
            "bad: line 2: write a time with its offset",
        ),
        ("dotenv", format!("A=1\n\"{KEY}\n"), "bad: variable 2: this is not NAME=value"),
        (
            "nginx-map",
            format!("map $http_x_api_key $c {{\n  \"{KEY}\" a b;\n}}"),
            "bad:2:3: this is not",
        ),
        (
            "nginx-map",
            format!("map $http_x_api_key $c {{\n  \"{KEY} a;\n}}"),
            "bad:2:3: the quoted text does not end",
        ),
        (
            "nginx-map",
            format!("map $http_x_api_key $c {{ \"{KEY}\" a;"),
            "bad:1:24: the block has no end",
        ),
        (
            "k8s-secret",
            "kind: Secret\ndata: {a: '%%'}".to_owned(),
            "bad: data, entry 1: the value is not base64-encoded text",
        ),
        ("litellm", "[{\"key_alias\": \"a\"}]".to_owned(), "bad: [0].token: it is missing"),
        (
            "unkey",
            format!("[{{\"plaintext\": \"{KEY}\", \"externalId\": \"a\", \"expires\": 1e300}}]"),
            "bad: [0].expires: the time is too large",
        ),
        (
            "csv",
            format!("name,digest\na,{:064}\na,{:064}\n", 1, 2),
            "bad: line 3: it has the same key ID as the key at line 2",
        ),
        ("kong", "services: []".to_owned(), "it has no keys in the format kong"),
        // A file with the format of another system.
        ("kong", format!("{{\"{KEY}\": \"a\"}}"), "it has no keys in the format kong"),
    ];
    assert_refused(&cases);
}

#[test]
fn disabled_and_revoked_keys_are_not_imported() {
    const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000001";
    let cases = [
        ("json", format!("[{{\"digest\": \"{DIGEST}\", \"name\": \"a\", \"enabled\": false}}]")),
        (
            "json",
            format!(
                "[{{\"digest\": \"{DIGEST}\", \"name\": \"a\", \"revokedAt\": \"2026-01-01\"}}]"
            ),
        ),
        (
            "unkey",
            format!("[{{\"hash\": \"{DIGEST}\", \"externalId\": \"a\", \"enabled\": \"false\"}}]"),
        ),
        (
            "litellm",
            format!("[{{\"token\": \"{DIGEST}\", \"user_id\": \"a\", \"blocked\": \"true\"}}]"),
        ),
        ("litellm", format!("token,user_id,blocked\n{DIGEST},a,t\n")),
        ("csv", format!("name,digest,status\na,{DIGEST},revoked\n")),
        ("csv", format!("name,digest,active\na,{DIGEST},0\n")),
    ];
    for (format, text) in cases {
        let sandbox = Sandbox::new();
        std::fs::write(sandbox.path("keys"), &text).unwrap();
        let result = sandbox.run(["import", "keys", "--format", format, "--yes"]);
        assert!(result.err.contains("it is disabled or revoked"), "{text}: {}", result.err);
        assert_eq!((result.code, sandbox.keys().len()), (1, 0), "{text}");
    }
}

#[test]
fn several_faults_are_listed_together() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("keys.csv"), "name,key\na,short\nb,abc\n").unwrap();
    let result = sandbox.run(["import", "keys.csv", "--yes"]);
    assert_eq!(result.code, 1);
    for line in
        ["warning: keys.csv: line 2: ", "warning: keys.csv: line 3: ", "keys.csv has 2 faults"]
    {
        assert!(result.err.contains(line), "{line}: {}", result.err);
    }
}
