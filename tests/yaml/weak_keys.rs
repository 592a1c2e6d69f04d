use keygate::{YamlStore, YamlWarning};

use super::check::{CANARY, file, holds, refused};

const REFUSED: &str = "the key is shorter than 16 characters, so that it could be guessed: generate one of 32 random bytes, or set `allow_weak_keys: true` to accept the risk (the key stands before the colon)";
const LIST: &str = "expected a mapping of keys to client names, found a list: write each key on a line of its own, as `KEY: client name`";
const WARNED: &str = "the key is shorter than 16 characters, so that it could be guessed: replace it by one of 32 random bytes, and remove `allow_weak_keys`";

#[test]
fn weak_keys_are_refused_where_they_stand() {
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
fn allowed_weak_keys_are_warned_of_wherever_the_file_allows_them() {
    let entries = [
        (CANARY, "default"),
        ("c4n4ry-1", "User 1"),
        ("c4n4ry-0123456789", "User 2"),
        ("0", "User 3"),
    ];
    let keys = "api_key: c4n4ry\napi_keys:\n  c4n4ry-1: User 1\n  c4n4ry-0123456789: User 2\n  0: User 3\n";
    for word in ["true", "True", "TRUE"] {
        let before = holds(format!("allow_weak_keys: {word}\n{keys}"), &entries);
        assert_eq!(lines(&before), [2, 4, 6]);
        let behind = holds(format!("{keys}allow_weak_keys: {word}\n"), &entries);
        assert_eq!(lines(&behind), [1, 3, 5]);
    }
    let strong = "allow_weak_keys: true\napi_key: c4n4ry-0123456789\n";
    assert_eq!(lines(&holds(strong, &[("c4n4ry-0123456789", "default")])), [0; 0]);
}

fn lines(store: &YamlStore) -> Vec<usize> {
    store.warnings().iter().filter_map(YamlWarning::line).collect()
}

#[test]
fn warnings_tell_the_place_and_the_way_out_and_not_the_key() {
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
fn names_that_look_like_keys_are_warned_about_where_they_stand() {
    let swapped = "api_keys:\n  Accounting Service: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n";
    let store: keygate::YamlStore = swapped.parse().unwrap();
    let [warning] = &store.warnings()[..] else { panic!("{:?}", store.warnings()) };
    assert_eq!((warning.line(), warning.column()), (Some(2), Some(23)));
    assert!(warning.to_string().contains("looks like a key"));
    assert!(!warning.to_string().contains("08zEk8IC"));

    let uuid = "api_keys:\n  08zEk8IC0le3I0kPwSF1g4XU9R: 123e4567-e89b-12d3-a456-426614174000\n";
    assert!(uuid.parse::<keygate::YamlStore>().unwrap().warnings().is_empty());
}
