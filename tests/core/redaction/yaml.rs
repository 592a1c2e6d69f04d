//! Every error of a key file that contains the canary, at the position of the error and everywhere else.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::fs;
use std::io::{self, Read};

use keygate::YamlStore;

use crate::redaction::canary::{CANARY, assert_hidden, error, text};

/// At least one text for each error. `KEY` is replaced with the canary, and `HALF` with a part of it that is too short.
const FAULTY: &[&str] = &[
    "api_keys: {KEY: KEY\n",
    "api_keys:\n  \"KEY: KEY\n",
    "api_keys:\n  'KEY\n",
    "api_keys:\n  KEY: a: KEY\n",
    "api_keys:\n  KEY: x\n KEY: y\n",
    "api_keys:\n  @KEY: x\n",
    "api_keys:\n  `KEY`: x\n",
    "api_keys:\n  %KEY: x\n",
    "%KEY KEY\n---\napi_key: KEY\n",
    "%TAG !KEY! KEY\n---\napi_key: KEY\n",
    "api_keys:\n\tKEY: x\n",
    "api_keys: {KEY: x, KEY\n",
    "api_keys:\n  KEY: \"\\KEY\"\n",
    "api_keys:\n  KEY: \"\\xKEY\"\n",
    "api_keys:\n  KEY: |KEY\n",
    "api_keys:\n  KEY: >9KEY\n",
    "api_keys:\n  KEY: x\n  - KEY\n",
    "api_keys:\n  KEY\n  KEY: x\n",
    "api_keys: ]KEY\n",
    "api_key: !<KEY KEY\n",
    "api_keys:\n  KEY\u{0}: KEY\n",
    "api_keys: NESTKEY\n",
    "api_key: KEY\n---\napi_key: KEY\n",
    "api_key: KEY\n...\nKEY\n",
    "api_keys:\n  &KEY x: KEY\n",
    "api_keys:\n  KEY: &KEY x\n",
    "api_keys:\n  *KEY : x\n",
    "api_keys:\n  KEY: *KEY\n",
    "api_keys: &KEY\n  KEY: x\n",
    "api_keys:\n  !KEY x: KEY\n",
    "api_keys:\n  KEY: !KEY x\n",
    "api_keys: !KEY\n  KEY: x\n",
    "KEY\n",
    "- KEY\n",
    "api_keys: KEY\n",
    "api_keys: [KEY, KEY]\n",
    "api_key: [KEY]\n",
    "api_key: {KEY: KEY}\n",
    "api_keys:\n  ? [KEY]\n  : KEY\n",
    "api_keys:\n  KEY: [KEY]\n",
    "api_keys:\n  KEY: {KEY: KEY}\n",
    "allow_weak_keys: KEY\n",
    "allow_weak_keys: 'true'\napi_key: KEY\n",
    "KEY: KEY\n",
    "KEY:\n  KEY: KEY\n",
    "api_key: KEY\nKEY: x\n",
    "? |\n  KEY\n: KEY\n",
    "api_key: KEY\napi_key: KEY\n",
    "api_keys:\n  KEY: KEY\napi_keys:\n  KEY: x\n",
    "api_keys:\n  KEY: KEY\n  KEY: x\n",
    "api_key: KEY\napi_keys: {'KEY': KEY}\n",
    "api_keys:\n  HALF: KEY\n",
    "api_key: HALF\napi_keys:\n  KEY: KEY\n",
    "api_key: ''\napi_keys:\n  KEY: KEY\n",
    "api_keys:\n  KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKEY: KEY\n",
    "api_keys:\n  \"KEY\\n\": KEY\n",
    "api_keys:\n  \"KEY\\tKEY\": KEY\n",
    "api_keys:\n  ' KEY': KEY\n",
    "api_keys:\n  'KEY ': KEY\n",
    "api_keys:\n  KEY:\n",
    "api_keys:\n  KEY: null\n",
    "api_keys:\n  KEY: ~\n",
    "api_keys:\n  KEY: ''\n",
    "api_keys:\n  KEY: ' '\n",
    "api_keys:\n  KEY: KEYKEYKEYKEY\n",
    "api_keys:\n  KEY: \"KEY\\n\"\n",
    "api_keys:\n  KEY: ' KEY'\n",
];

fn file(pattern: &str) -> Vec<u8> {
    let text = pattern
        .replace("NEST", &"{".repeat(100))
        .replace("KEY", CANARY)
        .replace("HALF", &CANARY[..15]);
    // A Rust string cannot contain invalid UTF-8.
    text.bytes().map(|byte| if byte == 0 { 0xff } else { byte }).collect()
}

#[test]
fn no_error_shows_text_of_the_file() {
    let mut messages = BTreeSet::new();
    for pattern in FAULTY {
        let cause = YamlStore::from_reader(&*file(pattern)).expect_err(pattern);
        assert_hidden(pattern, &error(&cause));
        let message = cause.to_string();
        messages.insert(message.split_once(": ").unwrap().1.to_owned());
    }
    assert!(messages.len() >= 25, "{messages:#?}");
}

#[test]
fn faults_of_a_named_file_show_its_path_and_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.yml");
    for pattern in FAULTY {
        fs::write(&path, file(pattern)).unwrap();
        let cause = YamlStore::open(&path).unwrap_err();
        assert_eq!(cause.path(), Some(&*path));
        assert_hidden(pattern, &error(&cause));
    }
    folder.close().unwrap();
    let missing = YamlStore::open(&path).unwrap_err();
    assert!(missing.source().is_some());
    assert_hidden("a missing file", &error(&missing));
}

/// A reader that fails in the middle of a key.
struct BreaksOff<'a>(&'a [u8]);

impl Read for BreaksOff<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.0.read(buffer)
    }
}

#[test]
fn failing_reader_shows_no_key() {
    let file = file("api_keys:\n  KEY: x\n  HALF");
    let cause = YamlStore::from_reader(BreaksOff(&file)).unwrap_err();
    assert_hidden("a reader that breaks off", &error(&cause));
}

#[test]
fn warnings_show_no_key() {
    let file = file("allow_weak_keys: true\napi_key: HALF\napi_keys:\n  KEY: KEY\n");
    let store = YamlStore::from_reader(&*file).unwrap();
    assert_eq!(store.warnings().len(), 2, "one is weak, one is named like a key");
    assert_hidden("a warning", &store.warnings().iter().map(text).collect::<String>());
    assert_hidden("a store with warnings", &format!("{store:?}{store:#?}"));
}

/// Characters that are special in YAML, and some that are special to other programs.
const SIGNS: &[&str] = &[
    "\"",
    "'",
    "`",
    "@",
    "%",
    "&",
    "*",
    "!",
    "|",
    ">",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ": ",
    "? ",
    "- ",
    "#",
    " #",
    "\\",
    "\n",
    "\n\n  ",
    "\r",
    "\t",
    " ",
    "\n---\n",
    "\n...\n",
    "<<: ",
    "!!binary ",
    "%YAML 9.9\n",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{1f426}",
    "{{",
    "${",
    "0x",
    "~",
    "=",
];

#[test]
fn no_special_character_makes_an_error_show_a_key() {
    let whole = file("api_key: KEY\napi_keys:\n  \"KEY\": KEY\n  'KEY': [KEY, {KEY: KEY}]\n");
    let whole = String::from_utf8(whole).unwrap();
    // Most messages only differ in their position, so each message is checked once.
    let mut all_shown = BTreeSet::new();
    let mut look_at = |what: &str, file: &[u8]| {
        if let Err(cause) = YamlStore::from_reader(file) {
            let shown = error(&cause);
            if all_shown.insert(shown.replace(|char: char| char.is_ascii_digit(), "")) {
                assert_hidden(what, &shown);
            }
        }
    };
    for place in 0..whole.len() {
        for sign in SIGNS {
            let (before, behind) = whole.split_at(place);
            let file = file(&format!("{before}{sign}{behind}"));
            look_at(&format!("{sign:?} at {place}"), &file);
            look_at(
                &format!("{sign:?} at the end {place}"),
                &self::file(&format!("{before}{sign}")),
            );
        }
    }
    assert!(all_shown.len() > 20, "{all_shown:#?}");
}
