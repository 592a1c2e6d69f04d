//! Reading the keys in an application's own file, and the texts that are refused.

use keygate::YamlStore;
use keygate::store::YamlOptions;

use super::{AFTER, BEFORE};
use crate::loading::check::{client_of, file};

const A: &str = "key-a-0123456789abcdef";
const B: &str = "key-b-0123456789abcdef";
const C: &str = "key-c-0123456789abcdef";

fn embedded() -> YamlOptions {
    YamlStore::options().embedded()
}

#[track_caller]
fn load(options: &YamlOptions, text: &str) -> YamlStore {
    options.parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn keys_are_at_the_top_and_in_the_section() {
    let section =
        format!("keygate:\n  api_keys:\n    {B}: App 1\n  clients:\n    App 1: {{quota: 1/day}}\n");
    let text = format!("{BEFORE}api_keys:\n  {A}: User 1\n{section}api_key: {C}\n{AFTER}");
    let store = load(&embedded(), &text);
    for (key, client) in [(A, "User 1"), (B, "App 1"), (C, "default")] {
        assert_eq!(client_of(&store, key).as_deref(), Some(client));
    }
    assert_eq!(store.len(), 3);
    assert!(store.profiles()[0].quota().is_some());
    assert_eq!(store.warnings().len(), 0, "{:?}", store.warnings());
    let opened = embedded().open(file(text.as_bytes())).unwrap();
    assert_eq!(opened.list_keys(None).unwrap(), store.list_keys(None).unwrap());
}

#[test]
fn section_can_have_another_name_and_depth() {
    let keys = format!("keys:\n    api_keys: {{{A}: User 1}}\n    allow_weak_keys: true");
    let text = format!("{BEFORE}auth: &auth\n  realm: !x y\n  {keys}\n  other: [*auth]\n{AFTER}");
    let auth = YamlStore::options().section("auth.keys");
    assert_eq!(client_of(&load(&auth, &text), A).as_deref(), Some("User 1"));
    // Without the option, or with another section name, it is not found.
    assert!(embedded().parse(&text).is_err());
    // Only at the top, `api_keys` needs no section.
    let nested = format!("auth: {{api_keys: {{{A}: x}}, keys: }}\n");
    assert!(load(&auth, &nested).is_empty());
}

#[test]
fn empty_sections_hold_no_keys() {
    for text in ["keygate:\n", "keygate: {}\n", "api_keys:\nx: 1\n", "x: 1\nkeygate: ~\n"] {
        assert!(load(&embedded(), text).is_empty(), "{text}");
    }
    let text = format!("%YAML 1.2\n---\nx: 1\napi_key: {A}\n...\n");
    assert_eq!(load(&embedded(), &text).len(), 1);
}

#[test]
fn file_without_keys_and_section_is_refused() {
    let message = "this file has neither `api_key` nor `api_keys` nor the section `keygate`: write keys indented below \
                   `api_keys:`, as `KEY: client name`";
    let merged = format!("base: &base {{api_keys: {{{A}: x}}}}\n<<: *base\n");
    for text in
        [BEFORE, AFTER, "", "# nothing\n", "[1, 2]\n", "x\n", "nested: {api_keys: }\n", &merged]
    {
        let error = embedded().parse(text).unwrap_err();
        assert_eq!(error.to_string(), format!("line 1, column 1: {message}"), "{text}");
    }
    let error = YamlStore::options().section("auth.keys").parse("auth: {key: 1}\n").unwrap_err();
    assert!(error.to_string().contains("the section `auth.keys`"), "{error}");
}

#[test]
fn yaml_that_keygate_does_not_allow_is_refused_in_its_part() {
    const ANCHOR: &str = "YAML anchors and aliases";
    const TAG: &str = "YAML tags";
    let deep = "[".repeat(40) + &"]".repeat(40);
    let deep = format!("x: 1\nkeygate: {{clients: {{x: {{metadata: {{x: {deep}}}}}}}}}\n");
    let cases = [
        ("x: 1\napi_keys: &k {K: x}\n", "2:11", ANCHOR),
        ("x: &k {K: x}\napi_keys: *k\n", "2:11", ANCHOR),
        ("x: 1\napi_keys: !t {K: x}\n", "2:11", TAG),
        ("x: 1\napi_keys: {K: &n x}\n", "2:", ANCHOR),
        ("x: 1\n&k api_keys: {K: x}\n", "2:1", ANCHOR),
        ("x: 1\n!t api_keys: {K: x}\n", "2:1", TAG),
        ("x: &b {}\nkeygate: {<<: *b}\n", "2:15", ANCHOR),
        ("x: 1\nkeygate: {version: \"2.1\"}\n", "2:20", "expected a whole number"),
        ("x: 1\nkeygate: {quota: 1}\n", "2:11", "unknown field"),
        ("x: 1\nkeygate: K\n", "2:10", "expected a mapping, found a text"),
        (
            "x: 1\napi_keys: {K: x}\napi_keys: {}\n",
            "3:1",
            "the field `api_keys` appears twice, first on line 2",
        ),
        ("keygate:\nx: 1\nkeygate:\n", "3:1", "keygate's section appears twice, first on line 1"),
        (
            "x: 1\napi_keys: {K: x}\nkeygate: {api_keys: {K: y}}\n",
            "3:22",
            "this key is already in the file, on line 2",
        ),
        ("x: 1\nkeygate: {api_keys: {hunter2: y}}\n", "2:22", "the key is shorter"),
        ("x: 1\napi_key: K\n---\ny: 1\n", "3:1", "a second YAML document begins here"),
        (&deep, "2:39", "expected a text, found a list"),
        ("x: [1\napi_key: K\n", "", "this "),
    ];
    for (text, place, message) in cases {
        let text = text.replace('K', A);
        let error = embedded().parse(&text).map(|store| store.len()).unwrap_err();
        let found = format!("{}:{}", error.line().unwrap(), error.column().unwrap());
        assert!(found.starts_with(place), "{text}: {found}");
        assert!(error.to_string().contains(message), "{text}: {error}");
        assert!(!error.to_string().contains(A), "{error}");
    }
}

#[test]
fn path_to_the_section_is_a_mapping() {
    let options = YamlStore::options().section("auth.keys");
    for (text, message) in [
        ("x: &x {keys: }\nauth: *x\n", "YAML anchors and aliases"),
        ("auth: secret\n", "whose value must be a mapping"),
        ("auth: [1, [2]]\n", "whose value must be a mapping"),
    ] {
        let error = options.parse(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    for section in ["", ".", "a..b", "api_keys", " a"] {
        let error = YamlStore::options().section(section).parse("x: 1\n").unwrap_err();
        assert!(error.to_string().contains("the name of a section"), "{section}: {error}");
    }
}

#[test]
fn names_that_resemble_fields_are_warnings() {
    let warned = [
        ("apikeys", "resembles `api_keys`"),
        ("API_KEYS", "resembles `api_keys`"),
        ("api-key", "resembles `api_key`"),
        ("api_kyes", "resembles `api_keys`"),
        ("apiKey", "resembles `api_key`"),
        ("keygates", "resembles `keygate`"),
        ("Keygate", "resembles `keygate`"),
        ("clients", "`clients` at the top of this file is treated as the application's"),
        ("allow_weak_keys", "`allow_weak_keys` at the top of this file is treated as"),
    ];
    for (name, message) in warned {
        let store =
            load(&embedded(), &format!("api_key: {A}\nport: 1\n  # x\n{name}: {{{B}: x}}\n"));
        let [warning] = &store.warnings()[..] else { panic!("{name}: {:?}", store.warnings()) };
        assert_eq!((warning.line(), warning.column()), (Some(4), Some(1)), "{name}");
        assert!(warning.to_string().contains(message), "{warning}");
        assert_eq!(client_of(&store, B), None, "{name}");
    }
    for name in
        ["version", "policy", "port", "api", "keys", "api_url", "secret_key", "api_key_file", A]
    {
        let store = load(&embedded(), &format!("api_keys:\n{name}: 1\n"));
        let warnings = store.warnings();
        assert_eq!(warnings.len(), 1, "{name}: {warnings:?}");
        assert!(warnings[0].to_string().contains("has no keys"), "{name}: {warnings:?}");
    }
    let section = YamlStore::options().section("auth.keys");
    let store = load(&section, &format!("api_key: {A}\nAuth: 1\nkeygate: 1\n"));
    assert_eq!(store.warnings().len(), 1, "{:?}", store.warnings());
    assert!(store.warnings()[0].to_string().contains("resembles the section of keygate"));
}

#[test]
fn refusal_of_an_embedded_file_names_the_option() {
    let error = format!("database_url: x\napi_key: {A}\n").parse::<YamlStore>().unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(1), Some(1)));
    assert!(error.to_string().contains("`YamlStore::options().embedded()`"), "{error}");
}

#[test]
fn embedded_files_are_distinguished_from_key_files() {
    let is_embedded = |text: &str| {
        YamlStore::options().detect(file(text.as_bytes())).section_name().map(str::to_owned)
    };
    let keys = format!("api_keys: {{{A}: x}}\n");
    for text in ["keygate:\n", "database_url: x\n", BEFORE, AFTER, "{port: 1}"] {
        let with_keys = format!("{text}\n{}", if text.starts_with('{') { "" } else { &keys });
        assert_eq!(is_embedded(&with_keys).as_deref(), Some("keygate"), "{with_keys}");
    }
    for text in ["", "x", "[1]", "api_kesy:\n", "clients:\nquota: 1\n", "API_KEYS:\n", &keys] {
        assert_eq!(is_embedded(text), None, "{text}");
    }
    assert_eq!(YamlStore::options().detect("no such file").section_name(), None);
}

#[test]
fn lint_finds_every_error_and_warning_of_keygates_part() {
    let text = format!(
        "{BEFORE}api_keys:\n  hunter2: x\nkeygate:\n  quota: 1\n  clients: {{x: {{scopes: [A]}}}}\napikey:\n"
    );
    let path = file(text.as_bytes());
    let first = BEFORE.lines().count();
    let lint = embedded().lint(&path);
    let lines = lint.errors.iter().map(|error| error.line().unwrap() - first);
    assert_eq!(lines.collect::<Vec<_>>(), [2, 4, 5], "{:?}", lint.errors);
    let warned = lint.warnings.iter().filter_map(keygate::store::KeyFileWarning::line);
    assert_eq!(warned.map(|line| line - first).collect::<Vec<_>>(), [6]);
    assert_eq!(lint.plaintext_keys, 1);
    assert_eq!(embedded().lint(file(BEFORE.as_bytes())).errors.len(), 1);
}
