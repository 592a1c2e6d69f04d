use keygate::YamlStore;
use keygate::store::KeyFileWarning;

use super::check::{CANARY, file, holds, refused};

const REFUSED: &str = "the key is shorter than 16 characters and could be guessed: generate a key \
    from 32 random bytes, or set `allow_weak_keys: true` to accept the risk (the key comes before \
    the colon)";
const LIST: &str = "expected a mapping of keys to client names, found a list: write each key on its own line, as `KEY: client name`";
const WARNED: &str = "the key is shorter than 16 characters and could be guessed: replace it with \
    a key from 32 random bytes, and remove `allow_weak_keys`";

#[test]
fn weak_keys_are_refused_at_their_position() {
    refused(&[
        ("api_key: c4n4ry\n", "1:10", REFUSED),
        ("api_keys:\n  c4n4ry: User 1\n", "2:3", REFUSED),
        ("api_keys:\n  c4n4ry-012345678: User 1\n  'c4n4ry-01234567': User 2\n", "3:3", REFUSED),
        ("api_key: ключc4n4ry\n", "1:10", REFUSED),
        ("allow_weak_keys: false\napi_key: c4n4ry\n", "2:10", REFUSED),
        ("api_key: c4n4ry\nallow_weak_keys: false\n", "1:10", REFUSED),
        ("api_key: c4n4ry\nallow_weak_keys: True\napi_keys: [\n", "3:11", LIST),
    ]);
}

#[test]
fn allowed_weak_keys_are_reported() {
    let entries = [
        (CANARY, "default"),
        ("c4n4ry-1", "User 1"),
        ("c4n4ry-0123456789ab", "User 2"),
        ("0", "User 3"),
    ];
    let keys = "api_key: c4n4ry\napi_keys:\n  c4n4ry-1: User 1\n  c4n4ry-0123456789ab: User 2\n  0: User 3\n";
    for word in ["true", "True", "TRUE"] {
        let before = holds(format!("allow_weak_keys: {word}\n{keys}"), &entries);
        assert_eq!(lines(&before), [2, 4, 6]);
        let behind = holds(format!("{keys}allow_weak_keys: {word}\n"), &entries);
        assert_eq!(lines(&behind), [1, 3, 5]);
    }
    let strong = "allow_weak_keys: true\napi_key: c4n4ry-0123456789ab\n";
    assert_eq!(lines(&holds(strong, &[("c4n4ry-0123456789ab", "default")])), [0; 0]);
}

fn lines(store: &YamlStore) -> Vec<usize> {
    store.warnings().iter().filter_map(KeyFileWarning::line).collect()
}

#[test]
fn warnings_have_the_position_and_a_remedy_but_no_key() {
    let text = "allow_weak_keys: true\r\napi_keys:\r\n    c4n4ry: User 1\r\n";
    let path = file(text.as_bytes());
    let opened = YamlStore::open(&path).unwrap();
    let read: YamlStore = text.parse().unwrap();
    let [warning] = &opened.warnings()[..] else { panic!("{:?}", opened.warnings()) };
    assert_eq!(warning.to_string(), format!("{}:3:5: {WARNED}", path.display()));
    assert_eq!((warning.line(), warning.column()), (Some(3), Some(5)));
    assert_eq!(read.warnings()[0].to_string(), format!("line 3, column 5: {WARNED}"));
    assert!(!format!("{opened:?} {warning:?}").contains(CANARY));
}

#[test]
fn names_that_look_like_keys_are_warnings() {
    let swapped = "api_keys:\n  Accounting Service: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n";
    let store: keygate::YamlStore = swapped.parse().unwrap();
    let [warning] = &store.warnings()[..] else { panic!("{:?}", store.warnings()) };
    assert_eq!((warning.line(), warning.column()), (Some(2), Some(23)));
    assert!(warning.to_string().contains("looks like a key"));
    assert!(!warning.to_string().contains("08zEk8IC"));

    let uuid = "api_keys:\n  08zEk8IC0le3I0kPwSF1g4XU9R: 123e4567-e89b-12d3-a456-426614174000\n";
    assert!(uuid.parse::<keygate::YamlStore>().unwrap().warnings().is_empty());
}

const NO_SECRET: [(&str, &str); 8] = [
    ("${C4N4RY}", TEMPLATE),
    ("$env://c4n4ry_key_1", TEMPLATE),
    ("{{ .Values.c4n4ry }}", TEMPLATE),
    ("<your-c4n4ry-key-1>", TEMPLATE),
    ("aaaaaaaaaaaaaaaa", SEQUENCE),
    ("1234567890123456", SEQUENCE),
    ("zyxwvutsrqponmlkjihgfedcbazyx", SEQUENCE),
    ("abcabcabcabcabcabcabcabc", FEW),
];
const TEMPLATE: &str =
    "the key is a template or a reference, not a secret, and keygate does not fill it in";
const SEQUENCE: &str = "the key is a simple sequence of characters and could be guessed";
const FEW: &str = "the key has fewer than 6 different characters and could be guessed";

#[test]
fn texts_that_are_not_secrets_are_refused_unless_allowed() {
    for (key, why) in NO_SECRET {
        let message = format!(
            "{why}: generate a key from 32 random bytes, or set `allow_weak_keys: true` to accept \
             the risk (the key comes before the colon)"
        );
        refused(&[
            (&format!("api_key: \"{key}\"\n"), "1:10", &message),
            (&format!("api_keys:\n  \"{key}\": User 1\n"), "2:3", &message),
        ]);
        let allowed = format!("allow_weak_keys: true\napi_keys:\n  \"{key}\": User 1\n");
        let store = holds(allowed, &[(key, "User 1")]);
        let warned = store.warnings().iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = format!(
            "line 3, column 3: {why}: replace it with a key from 32 random bytes, and remove \
             `allow_weak_keys`"
        );
        assert_eq!(warned, [expected]);
    }
}

#[test]
fn keys_below_112_bits_are_warnings() {
    let cases = [
        ("c4n4ry-01234567zy", true),
        ("c4n4ry-012345678zyx", false),
        ("5f4dcc3b5aa765d61d8327deb88", true),
        ("5f4dcc3b5aa765d61d8327deb882", false),
    ];
    for (key, is_low) in cases {
        let store = holds(format!("api_keys:\n  {key}: User 1\n"), &[(key, "User 1")]);
        assert_eq!(lines(&store), if is_low { vec![2] } else { vec![] }, "{key}");
        assert!(store.warnings().iter().all(|warning| warning.to_string().contains("112 bits")));
    }
}

#[test]
fn key_instead_of_a_text_is_a_warning_everywhere() {
    const KEY: &str = "c4n4ryIC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
    let text = format!(
        "clients:\n  {KEY}:\n    metadata: {{{KEY}: x, key: {KEY}}}\n    keys:\n      - digest: sha256:{}\n        label: {KEY}\n",
        "01".repeat(32)
    );
    let store: YamlStore = text.parse().unwrap();
    let places = store
        .warnings()
        .iter()
        .map(|warning| (warning.line(), warning.column()))
        .collect::<Vec<_>>();
    let some = |line, column| (Some(line), Some(column));
    assert_eq!(places, [some(2, 3), some(3, 16), some(3, 69), some(6, 16)]);
    for warning in store.warnings() {
        let warning = warning.to_string();
        assert!(warning.contains("looks like a key") && !warning.contains(CANARY), "{warning}");
    }
}
