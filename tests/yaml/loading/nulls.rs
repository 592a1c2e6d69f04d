//! `null` where a text, a list, a mapping or a boolean belongs.

use super::check::{load, refused};

const DIGEST: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

/// The expected type, and the remedy.
type Expected<'a> = (&'a str, &'a str);

const KEY: Expected<'_> = ("a key", "write each key on its own line, as `KEY: client name`");
const ONE_KEY: Expected<'_> = ("a key", "write `api_key: KEY`");
const NAME: Expected<'_> =
    ("the name of a client", "write each client as `NAME:`, with its fields indented below");
const SCOPE: Expected<'_> = ("a scope", "write it as `orders:read`");
const LIMIT: Expected<'_> = (
    "a limit",
    "write it as `100/minute`, as `{rate: 100/minute, burst: 20}`, or as a list of these",
);
const RATE: Expected<'_> = ("a rate", "write it as `100/minute`");
const BURST: Expected<'_> = ("a number", "write the burst as a whole number");
const TEXT: Expected<'_> = ("a text", "write it as `{team: billing}`, an empty text as `''`");
const DIGIT: Expected<'_> = ("a digest", "write `sha256:` and 64 hexadecimal digits");
const LABEL: Expected<'_> = ("a label", "write a short text, or remove the line");
const TIME: Expected<'_> = ("a time", "write it as in `2027-01-31T00:00:00Z`, or remove the line");
const ID: Expected<'_> = ("the id of a key", "write its 16 hexadecimal digits");
const VERSION: Expected<'_> = ("a whole number", "write `version: 1`, or remove the line");

const SPELLINGS: [&str; 4] = ["~", "null", "Null", "NULL"];

fn said((expected, way_out): Expected<'_>, is_text: bool) -> String {
    let hint = if is_text { " (`null` and `~` are texts only in quotes)" } else { "" };
    format!("expected {expected}, found null: {way_out}{hint}")
}

#[test]
fn null_is_no_text() {
    let client = |field: &str| format!("clients:\n  A:\n    {field}\n");
    let key = |field: &str| client(&format!("keys:\n      - digest: {DIGEST}\n        {field}"));
    for null in SPELLINGS {
        for (text, place, expected) in [
            (format!("api_key: {null}\n"), "1:10", ONE_KEY),
            (format!("allow_weak_keys: true\napi_keys:\n  {null}: c4n4ry\n"), "3:3", KEY),
            (format!("version: {null}\n"), "1:10", VERSION),
            (format!("clients:\n  {null}:\n    keys: []\n"), "2:3", NAME),
            (format!("clients: {{{null}: }}\n"), "1:11", NAME),
            (client(&format!("scopes: [{null}]")), "3:14", SCOPE),
            (client(&format!("scopes:\n      - a\n      - {null}")), "5:9", SCOPE),
            (client(&format!("quota: [1/day, {null}]")), "3:20", LIMIT),
            (client(&format!("quota: {{rate: {null}}}")), "3:19", RATE),
            (client(&format!("quota: {{rate: 1/day, burst: {null}}}")), "3:33", BURST),
            (client(&format!("metadata: {{c4n4ry: {null}}}")), "3:24", TEXT),
            (client(&format!("metadata: {{{null}: c4n4ry}}")), "3:16", TEXT),
            (client(&format!("keys: [{{digest: {null}}}]")), "3:21", DIGIT),
            (key(&format!("label: {null}")), "5:16", LABEL),
            (key(&format!("created: {null}")), "5:18", TIME),
            (key(&format!("expires: {null}")), "5:18", TIME),
            (key(&format!("revoked: {null}")), "5:18", TIME),
            (key(&format!("replaced_by: {null}")), "5:22", ID),
        ] {
            refused(&[(&text, place, &said(expected, true))]);
        }
    }
}

#[test]
fn null_is_not_a_list_mapping_or_boolean() {
    let client = |field: &str| format!("clients:\n  A:\n    {field}\n");
    let boolean = ("`true` or `false`", "write one of the two, without quotes");
    let scopes = ("a list of scopes", "write it as `[orders:read, stock:*]`");
    let metadata = ("a mapping of texts", TEXT.1);
    let key = ("a key", "write it as `- digest: sha256:...`");
    for null in SPELLINGS {
        for (text, place, expected) in [
            (format!("allow_weak_keys: {null}\n"), "1:18", boolean),
            (client(&format!("enabled: {null}")), "3:14", boolean),
            (client(&format!("scopes: {null}")), "3:13", scopes),
            (client(&format!("metadata: {null}")), "3:15", metadata),
            (client(&format!("keys: [{null}]")), "3:12", key),
        ] {
            refused(&[(&text, place, &said(expected, false))]);
        }
        let quota = "the quota is empty: write `unlimited` for no limit, or remove the line";
        refused(&[(&client(&format!("quota: {null}")), "3:12", quota)]);
    }
}

#[test]
fn null_is_an_empty_section_client_or_list_of_keys() {
    for null in SPELLINGS {
        for text in [format!("api_keys: {null}\n"), format!("clients: {null}\n"), null.to_owned()] {
            assert!(load(text).is_empty());
        }
        for text in
            [format!("clients:\n  A: {null}\n"), format!("clients:\n  A:\n    keys: {null}\n")]
        {
            let clients = load(&text).list_clients();
            assert_eq!(clients.len(), 1, "{text}");
            assert_eq!((clients[0].profile.name(), clients[0].keys), ("A", 0), "{text}");
        }
    }
}

#[test]
fn null_in_quotes_is_a_text() {
    let text = format!(
        "allow_weak_keys: true\napi_keys:\n  '~': \"null\"\nclients:\n  '~':\n    metadata: {{'null': '~'}}\n    keys:\n      - digest: {DIGEST}\n        label: 'null'\n"
    );
    let store = load(text);
    let names: Vec<_> = store.profiles().iter().map(|client| client.name().to_owned()).collect();
    assert_eq!(names, ["null", "~"]);
    assert_eq!(store.list_keys(Some("~")).unwrap()[0].label.as_deref(), Some("null"));
}
