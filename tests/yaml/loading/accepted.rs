use super::check::{client_of, holds, load};

/// Two keys that are long enough to be accepted without a warning.
const A: &str = "key-a-0123456789";
const B: &str = "key-b-0123456789";

#[test]
fn both_forms_are_accepted_alone_and_together() {
    holds("api_key: key-a-0123456789\n", &[(A, "default")]);
    holds("api_keys:\n  key-a-0123456789: User 1\n", &[(A, "User 1")]);
    let both = [(A, "default"), (B, "User 1")];
    holds("api_key: key-a-0123456789\napi_keys:\n  key-b-0123456789: User 1\n", &both);
    holds("api_keys:\n  key-b-0123456789: User 1\napi_key: key-a-0123456789\n", &both);
}

#[test]
fn client_may_have_several_keys() {
    let text = "api_keys:\n  key-a-0123456789: User 1\n  key-b-0123456789: User 1\n";
    let store = holds(text, &[(A, "User 1"), (B, "User 1")]);
    assert_eq!((store.len(), store.client_count()), (2, 1));

    let default = "api_key: key-a-0123456789\napi_keys: {key-b-0123456789: default}\n";
    assert_eq!(holds(default, &[(A, "default"), (B, "default")]).client_count(), 1);
}

#[test]
fn clients_are_listed_in_the_order_of_their_names() {
    let store = load("api_keys:\n  key-b-0123456789: User 2\n  key-a-0123456789: User 1\n");
    let names: Vec<_> = store.profiles().iter().map(|client| client.name().to_owned()).collect();
    assert_eq!(names, ["User 1", "User 2"]);
}

/// Scalars that YAML 1.1 or 1.2 reads as something other than text.
const OTHER_TYPES: [&str; 41] = [
    "0",
    "-0",
    "007",
    "0123456789",
    "+1",
    "-1",
    "1_000",
    "1.0",
    "1.50",
    ".5",
    "1e10",
    "1E+2",
    "1e400",
    "0x1F",
    "0o17",
    "0b11",
    "017",
    "12:30:45",
    "190:20:30",
    ".inf",
    "-.INF",
    ".nan",
    "2001-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "n",
    "true",
    "False",
    "TRUE",
    "=",
    "<<",
    "-abc",
    "---x",
    "?x",
    ":x",
    "a:b",
    "123456789012345678901234567890123456789012",
];

#[test]
fn keys_that_look_like_other_types_are_read_as_text() {
    for key in OTHER_TYPES {
        let text = format!("allow_weak_keys: true\napi_keys:\n  {key}: User 1\n");
        holds(&text, &[(key, "User 1")]);
        holds(format!("allow_weak_keys: true\napi_key: {key}\n"), &[(key, "default")]);
        holds(format!("{{allow_weak_keys: true, api_keys: {{'{key}': x}}}}"), &[(key, "x")]);
    }
    let converted = ["7", "123456789", "1", "1000", "10000000000", "100", "31", "15", "3", "45045"];
    let lines = OTHER_TYPES.map(|key| format!("  {key}: User {key}\n")).concat();
    let store = load(format!("allow_weak_keys: true\napi_keys:\n{lines}"));
    assert_eq!((store.len(), store.client_count()), (OTHER_TYPES.len(), OTHER_TYPES.len()));
    for key in converted {
        assert_eq!(client_of(&store, key), None, "{key}");
    }
}

#[test]
fn keys_that_are_equal_as_numbers_are_different() {
    for (one, other) in
        [("0x1F", "31"), ("1_000", "1000"), ("+1", "1"), ("1.0", "1"), ("'~'", "'null'")]
    {
        let text = format!("allow_weak_keys: true\napi_keys:\n  {one}: a\n  {other}: b\n");
        let [one, other] = [one, other].map(|key| key.trim_matches('\''));
        holds(text, &[(one, "a"), (other, "b")]);
    }
}

#[test]
fn names_that_look_like_other_types_are_read_as_text() {
    for name in ["1e3", "007", "0x1F", "true", "no", "2001-01-01", "12:30", "<<", "x#y", "a:b"] {
        holds(format!("api_keys:\n  {A}: {name}\n"), &[(A, name)]);
    }
    for name in ["null", "~", "# 1", "User: 1", "*", "&x", "!x", "@x", "[x]", "{x}"] {
        holds(format!("api_keys:\n  {A}: '{name}'\n"), &[(A, name)]);
    }
}

#[test]
fn quotes_and_escapes_are_read_as_yaml_says() {
    let cases = [
        ("'it''s a key in quotes'", "it's a key in quotes"),
        (r#""a \"key\" in quotes""#, r#"a "key" in quotes"#),
        (r#"'a \n"key" in quotes'"#, r#"a \n"key" in quotes"#),
        (r#""\x41\u00e9\U0001F511-0123456789abc""#, "Aé🔑-0123456789abc"),
        (r#""back\\slash\/-0123456789""#, "back\\slash/-0123456789"),
        (r#""inner\x20blanks\x20only""#, "inner blanks only"),
        ("'a key: with # signs'", "a key: with # signs"),
        ("'&anchor *alias !tag'", "&anchor *alias !tag"),
        ("'[0123456789abcdef]'", "[0123456789abcdef]"),
        ("a key with inner blanks", "a key with inner blanks"),
        ("quote'in\"the-middle", "quote'in\"the-middle"),
        ("0123456789#not-a-remark", "0123456789#not-a-remark"),
        ("? key-a-0123456789\n  ", A),
        ("? 'key-a-0123456789'\n  ", A),
    ];
    for (written, key) in cases {
        holds(format!("api_keys:\n  {written}: User 1\n"), &[(key, "User 1")]);
    }
}

#[test]
fn flow_style_and_json_are_accepted() {
    let both = [(A, "User 1"), (B, "User 2")];
    holds("api_keys: {key-a-0123456789: User 1, key-b-0123456789: User 2}", &both);
    holds("{api_keys: {key-a-0123456789: User 1,\n\nkey-b-0123456789: User 2,},}\n", &both);
    let json = r#"{"api_keys":{"key-a-0123456789":"User 1","key-b-0123456789":"User 2"}}"#;
    holds(json, &both);
}

#[test]
fn all_line_endings_are_accepted() {
    let text = "# remark\n\napi_keys:\n  key-a-0123456789: User 1\n\n  key-b-0123456789: User 2\n";
    let both = [(A, "User 1"), (B, "User 2")];
    for end in ["\n", "\r\n", "\r"] {
        holds(text.replace('\n', end), &both);
        holds(text.trim_end().replace('\n', end), &both);
    }
}

#[test]
fn document_markers_and_comments_change_nothing() {
    let entry = [(A, "User 1")];
    let text = "api_keys:\n  key-a-0123456789: User 1\n";
    for before in
        ["\u{feff}", "---\n", "\u{feff}---\n", "# remark\n---\n", "--- # remark\n", "\n\n"]
    {
        holds(format!("{before}{text}"), &entry);
    }
    for behind in
        ["...\n", "# remark", "\n\n\n", "  # key-b-0123456789: User 2\n", "...\n# remark\n"]
    {
        holds(format!("{text}{behind}"), &entry);
    }
    holds("api_keys: # remark\n  # remark\n  key-a-0123456789: User 1 # remark\n", &entry);
    holds("api_keys:\n  key-a-0123456789:\n    User 1\n", &entry);
    holds("api_keys:\n  key-a-0123456789  :   'User 1'   \n", &entry);
    holds("--- {api_key: key-a-0123456789}\n", &[(A, "default")]);
}

#[test]
fn file_without_keys_admits_nobody() {
    for text in [
        "",
        "\n",
        "   ",
        "\u{feff}",
        "# only a remark",
        "---\n",
        "---\n...\n",
        "null\n",
        "~",
        "{}",
        "api_keys:\n",
        "api_keys: # none yet\n",
        "api_keys: {}\n",
        "api_keys: null\n",
        "api_keys: ~\n",
        "allow_weak_keys: true\n",
        "allow_weak_keys: false\napi_keys:\n",
    ] {
        let store = holds(text, &[]);
        assert!(store.is_empty() && store.client_count() == 0 && store.profiles().is_empty());
        for key in ["", "null", "~", "{}", "api_keys", A] {
            assert_eq!(client_of(&store, key), None, "{key} of {text:?}");
        }
        let [warning] = &store.warnings()[..] else { panic!("{:?}", store.warnings()) };
        assert_eq!((warning.line(), warning.column()), (None, None));
        assert!(warning.to_string().contains("every request is refused"), "{warning}");
    }
}

#[test]
fn keys_and_names_may_be_in_any_language() {
    holds("api_keys:\n  ключ-для-клиента: Größe 1\n", &[("ключ-для-клиента", "Größe 1")]);
    let key = "一番大事な秘密の鍵は誰にも見せない";
    holds(format!("api_key: {key}\n"), &[(key, "default")]);
}

#[test]
fn longest_and_shortest_keys_and_names_are_accepted() {
    let keys = [
        "sixteen-letters.".to_owned(),
        "séchzéhn-zéichén".to_owned(),
        "key-0123".repeat(64),
        "ключéüöä".repeat(32),
    ];
    for key in keys {
        holds(format!("api_key: {key}\n"), &[(&key, "default")]);
        let name = "é".repeat(128);
        holds(format!("api_keys:\n  {key}: {name}\n"), &[(&key, &name)]);
        holds(format!("api_keys:\n  '{key}': {name}\n"), &[(&key, &name)]);
    }
}
