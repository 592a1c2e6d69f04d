//! Characters that people cannot see, in names and keys.

use super::check::{load, refused};

#[test]
fn invisible_characters_in_keys_and_names_are_refused() {
    let key = |found: &str| {
        format!(
            "the key contains {found}, which is invisible and which no client sends: replace it"
        )
    };
    let name = |found: &str, way_out: &str| {
        format!("the name of the client contains {found}, which is invisible: {way_out}")
    };
    let (other, replace) = ("choose another name", "replace it");
    let metadata = "a name in the client's metadata contains U+2060 as its character 3, which is \
        invisible: choose another name";
    let label = "the label contains U+061C as its character 2, which is invisible: choose another";
    refused(&[
        ("api_key: c4n4ry\u{200b}-0123456789\n", "1:10", &key("U+200B as its character 7")),
        ("api_key: '\u{feff}c4n4ry-0123456789'\n", "1:10", &key("U+FEFF as its character 1")),
        ("api_keys:\n  c4n4ry-0123456789\u{a0}: x\n", "2:3", &key("U+00A0 as its character 18")),
        (
            "api_keys:\n  \"c4n4ry\\u3000-0123456789\": x\n",
            "2:3",
            &key("U+3000 as its character 7"),
        ),
        ("api_keys:\n  'c4n4ry\u{200d}-0123456789': x\n", "2:3", &key("U+200D as its character 7")),
        (
            "api_keys:\n  c4n4ry-0123456789: User\u{200e} 1\n",
            "2:22",
            &name("U+200E as its character 5", replace),
        ),
        (
            "api_keys:\n  c4n4ry-0123456789: \"User\\u2028 1\"\n",
            "2:22",
            &name("U+2028 as its character 5", replace),
        ),
        ("clients:\n  Ad\u{200c}min:\n", "2:3", &name("U+200C as its character 3", other)),
        ("clients:\n  Adm\u{ad}in: {}\n", "2:3", &name("U+00AD as its character 4", other)),
        ("clients:\n  App 1:\n    metadata: {te\u{2060}am: x}\n", "3:16", metadata),
        ("clients:\n  App 1:\n    keys:\n      - label: a\u{61c}b\n", "4:16", label),
    ]);
}

#[test]
fn joiners_and_visible_blanks_are_accepted() {
    let names = ["می\u{200c}خواهم", "क्\u{200d}ष", "User\u{a0}1"];
    for name in names {
        let store = load(format!("clients:\n  {name}:\n    metadata: {{team: 👨\u{200d}👩}}\n"));
        assert_eq!(store.profiles()[0].name(), name);
    }
}
