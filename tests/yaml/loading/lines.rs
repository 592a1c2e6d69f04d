//! Texts that span several lines.

use super::check::{client_of, holds, load, refused};

const DIGEST: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
const BLOCK: &str = "`|` and `>` begin a text of several lines, and a text must fit on one line: write it after the colon, in quotes if necessary";

fn plain(first: u32) -> String {
    format!(
        "this line continues the text on line {first}, because it is indented deeper (between brackets, because there is no comma before it): indent it like its neighbours, or write that text on one line"
    )
}

fn quoted(first: u32) -> String {
    format!(
        "this line is inside the quotes that open on line {first}: close them on that line, since a text must fit on one line"
    )
}

#[test]
fn key_on_the_line_after_a_name_is_not_part_of_it() {
    refused(&[
        (
            "api_keys:\n  c4n4ry-a-01234567: acme\n    c4n4ry-b-01234567\n  c4n4ry-c-01234567: other\n",
            "3:5",
            &plain(2),
        ),
        ("api_keys:\n  c4n4ry-a-01234567: acme\n\n\n      c4n4ry-b\n", "5:7", &plain(2)),
        ("api_keys:\r\n  c4n4ry-a-01234567: acme\r\n    c4n4ry-b\r\n", "3:5", &plain(2)),
        ("api_keys:\n  c4n4ry-a-01234567: acme\n    c4n4ry-b-01234567: other\n", "3:5", &plain(2)),
        ("api_keys:\r  c4n4ry-a-01234567: acme\r    c4n4ry-b\r", "3:5", &plain(2)),
        ("api_keys: {c4n4ry-a-01234567: acme\n  c4n4ry-b-01234567}\n", "2:3", &plain(1)),
        ("api_keys:\n  ? c4n4ry-a-01234567\n    c4n4ry-b\n  : acme\n", "3:5", &plain(2)),
        ("api_key: c4n4ry-a-01234567\n  c4n4ry-b\n", "2:3", &plain(1)),
        ("clients:\n  ? acme\n    c4n4ry\n  :\n", "3:5", &plain(2)),
    ]);
}

#[test]
fn line_after_a_text_of_the_wrong_type_is_named() {
    let text = "expected a mapping of client names, found a text: write each client as `NAME:`, with its fields indented below";
    refused(&[
        ("clients:\n  A:\n    scopes: c4n4ry\n      c4n4ry\n", "4:7", &plain(3)),
        ("clients:\n  A:\n    metadata: c4n4ry\n      c4n4ry\n", "4:7", &plain(3)),
        ("clients:\n  A:\n    enabled: true\n      scopes\n", "4:7", &plain(3)),
        ("clients:\n  A: c4n4ry\n    c4n4ry\n", "3:5", &plain(2)),
        ("allow_weak_keys: true\n  api_keys\n", "2:3", &plain(1)),
        ("version: 1\n  api_keys\n", "2:3", &plain(1)),
        ("clients:\n  c4n4ry\n  c4n4ry\n", "2:3", text),
    ]);
}

type Field = fn(&str) -> String;

#[test]
fn no_text_runs_over_lines() {
    let client = |field: &str| format!("clients:\n  A:\n    {field}\n");
    let key = |field: &str| client(&format!("keys:\n      - digest: {DIGEST}\n        {field}"));
    let fields: [(Field, &str, u32); 12] = [
        (|text| format!("scopes:\n      - {text}"), "client", 4),
        (|text| format!("scopes: [{text}]"), "client", 3),
        (|text| format!("quota: {text}"), "client", 3),
        (|text| format!("quota: {{rate: {text}}}"), "client", 3),
        (|text| format!("quota: {{rate: 1/day, burst: {text}}}"), "client", 3),
        (|text| format!("metadata: {{a: {text}}}"), "client", 3),
        (|text| format!("metadata: {{? {text} : a}}"), "client", 3),
        (|text| format!("label: {text}"), "key", 5),
        (|text| format!("created: {text}"), "key", 5),
        (|text| format!("expires: {text}"), "key", 5),
        (|text| format!("revoked: {text}"), "key", 5),
        (|text| format!("replaced_by: {text}"), "key", 5),
    ];
    for (field, frame, line) in fields {
        let file =
            |text: &str| if frame == "key" { key(&field(text)) } else { client(&field(text)) };
        let place = format!("{}:13", line + 1);
        refused(&[
            (&file("c4n4ry\n            c4n4ry"), &place, &plain(line)),
            (&file("'c4n4ry\n            c4n4ry'"), &place, &quoted(line)),
            (&file("\"c4n4ry\\\n            c4n4ry\""), &place, &quoted(line)),
        ]);
    }
    let digest = client("keys:\n      - digest: c4n4ry\n         c4n4ry");
    refused(&[(&digest, "5:10", &plain(4))]);
    refused(&[("version: 1\n  c4n4ry\n", "2:3", &plain(1))]);
    // The parser does not allow a name of several lines before a colon.
    let behind = "there is text after the closing quote: put the whole text in quotes of the other kind, on one line";
    refused(&[("'c4n4ry\n c4n4ry': 1\n", "2:9", behind)]);
}

#[test]
fn block_scalars_are_refused_even_with_one_line() {
    for header in ["|", ">", "|-", ">-", "|+", ">+", "|2", "|2-", ">-2", "|   # c"] {
        for (text, place) in [
            (format!("api_key: {header}\n  c4n4ry-0123456789\n"), "2:3"),
            (format!("api_keys:\n  c4n4ry-0123456789: {header}\n    acme\n"), "3:5"),
            (format!("clients:\n  A:\n    quota: {header}\n      1/day\n"), "4:7"),
            (format!("api_keys:\n  ? {header}\n    c4n4ry-0123456789\n  : A\n"), "3:5"),
        ] {
            refused(&[(&text, place, BLOCK)]);
        }
    }
    refused(&[("api_key: |-\n  c4n4ry-0123456789\n  0123456789\n", "2:3", BLOCK)]);
    refused(&[("api_key: |\n", "1:10", BLOCK)]);
}

#[test]
fn text_on_the_next_line_is_accepted() {
    const A: &str = "key-a-0123456789";
    for name in ["User 1", "'User 1'", "\"User 1\""] {
        holds(format!("api_keys:\n  {A}:\n    {name}\n"), &[(A, "User 1")]);
        holds(format!("api_keys:\n  {A}: # c\n\n      {name}   # c\n\n"), &[(A, "User 1")]);
        holds(format!("api_keys: {{{A}:\n  {name}\n}}\n"), &[(A, "User 1")]);
    }
    let client = "scopes:\n      - \n        a\n    quota:\n      1/day\n    metadata: {k:\n      v\n      }";
    let key = format!("keys:\n      - digest:\n          '{DIGEST}'\n        label:\n          l");
    let store = load(format!("clients:\n  A:\n    {client}\n    {key}\n"));
    let listed = store.list_keys(None).unwrap();
    assert_eq!(listed[0].label.as_deref(), Some("l"));
    assert_eq!(client_of(&store, "foo").as_deref(), Some("A"));
}
