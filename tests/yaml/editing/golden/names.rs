//! Names and labels that YAML would take for something else.

use keygate::manage::ManageError;

use super::{edited, made};
use crate::editing::fixture::{fill, id, new};

/// A name, and how it is written.
const NAMES: [(&str, &str); 45] = [
    ("App 1", "App 1"),
    ("Größe", "Größe"),
    ("日本", "日本"),
    ("a:b", "a:b"),
    ("a@b.example/c+d", "a@b.example/c+d"),
    ("nullable", "nullable"),
    ("1st", "'1st'"),
    ("a: b", "'a: b'"),
    ("trailing:", "'trailing:'"),
    ("a #b", "'a #b'"),
    ("#a", "'#a'"),
    ("it's", "'it''s'"),
    ("\"so\"", "'\"so\"'"),
    ("- dash", "'- dash'"),
    ("-", "'-'"),
    ("---", "'---'"),
    ("...", "'...'"),
    ("? a", "'? a'"),
    ("?", "'?'"),
    (": a", "': a'"),
    ("[a]", "'[a]'"),
    ("{a", "'{a'"),
    ("a, b", "'a, b'"),
    ("&a", "'&a'"),
    ("*", "'*'"),
    ("!a", "'!a'"),
    ("%a", "'%a'"),
    ("|", "'|'"),
    (">", "'>'"),
    ("`a", "'`a'"),
    ("\\", "'\\'"),
    ("null", "'null'"),
    ("~", "'~'"),
    ("Yes", "'Yes'"),
    ("off", "'off'"),
    ("TRUE", "'TRUE'"),
    ("y", "'y'"),
    ("1e10", "'1e10'"),
    ("0x1F", "'0x1F'"),
    ("1_000", "'1_000'"),
    ("12:30", "'12:30'"),
    ("2026-11-24", "'2026-11-24'"),
    ("2026-11-24T10:00:00Z", "'2026-11-24T10:00:00Z'"),
    ("🦀 App", "'🦀 App'"),
    ("=", "'='"),
];

#[test]
fn names_are_quoted_when_necessary() {
    for (name, written) in NAMES {
        edited("clients:\n", |store| store.add_client(name), &format!("clients:\n  {written}:\n"));
        edited(
            "clients: {}\nversion: 1\n",
            |store| {
                store.add_client(name)?;
                store.issue(name, new('A').with_label(name))
            },
            &format!(
                "clients:\n  {written}:\n    keys:\n      - digest: DIGEST_A\n        label: {written}\n        created: 2026-11-24T10:00:00Z\nversion: 1\n"
            ),
        );
    }
}

/// The same names in the spellings of other tools.
#[test]
fn clients_are_found_in_every_spelling_of_their_name() {
    for (name, written) in NAMES {
        let double = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        let escaped = name.chars().map(|char| format!("\\U{:08x}", u32::from(char)));
        let escaped = format!("\"{}\"", escaped.collect::<String>());
        for written in [written, &double, &escaped] {
            let all = |store: &keygate::YamlStore| -> Result<(), ManageError> {
                store.issue(name, new('B'))?;
                store.revoke(&id('A'))?;
                store.disable_client(name)?;
                store.remove_client(name)?;
                Ok(())
            };
            let before = format!(
                "api_keys:\n  KEY_A: {written}\nclients:\n  # c\n  {written}:   # d\n    enabled: true\n  other:\n"
            );
            assert_eq!(made(&fill(&before), &all), "clients:\n  # c\n  other:\n", "{before}");
        }
    }
}

#[test]
fn longest_names_and_labels_are_written() {
    for letter in ["a", "ü", "🦀", "'"] {
        let long = letter.repeat(128);
        let written = if "aü".contains(letter) {
            long.clone()
        } else {
            format!("'{}'", long.replace('\'', "''"))
        };
        edited(
            "clients:\n",
            |store| {
                store.add_client(&*long)?;
                store.issue(&long, new('A').with_label(&*long))
            },
            &format!(
                "clients:\n  {written}:\n    keys:\n      - digest: DIGEST_A\n        label: {written}\n        created: 2026-11-24T10:00:00Z\n"
            ),
        );
    }
}
