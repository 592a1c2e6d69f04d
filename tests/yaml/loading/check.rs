//! Helpers that check key files.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use keygate::store::KeyFileError;
use keygate::{Authenticator, YamlStore};

/// Part of every key in a refused file, so that messages can be checked for it.
pub(crate) const CANARY: &str = "c4n4ry";

/// The name of the client that this key admits, if any.
pub(crate) fn client_of(store: &YamlStore, key: &str) -> Option<String> {
    let client = Authenticator::new(store.clone()).verify_key(key.as_bytes()).ok()?;
    Some(client.name().to_owned())
}

/// Loads a text in every possible way.
#[track_caller]
pub(crate) fn load(text: impl AsRef<[u8]>) -> YamlStore {
    let text = text.as_ref();
    let shown = text.escape_ascii();
    let read = YamlStore::from_reader(text).unwrap_or_else(|error| panic!("{error}\n{shown}"));
    let parsed: YamlStore = std::str::from_utf8(text).unwrap().parse().unwrap();
    let opened = YamlStore::open(file(text)).unwrap();
    assert_eq!((read.len(), read.profiles()), (parsed.len(), parsed.profiles()), "{shown}");
    assert_eq!((read.len(), read.profiles()), (opened.len(), opened.profiles()), "{shown}");
    read
}

/// Checks that a file has these keys of these clients, and no similar ones.
#[track_caller]
pub(crate) fn holds(text: impl AsRef<[u8]>, entries: &[(&str, &str)]) -> YamlStore {
    let store = load(&text);
    let shown = text.as_ref().escape_ascii();
    assert_eq!(store.len(), entries.len(), "{shown}");
    for (key, name) in entries {
        assert_eq!(client_of(&store, key).as_deref(), Some(*name), "`{key}` of {shown}");
        for miss in near_misses(key) {
            if entries.iter().all(|(key, _)| *key != miss) {
                assert_eq!(client_of(&store, &miss), None, "`{miss}` for `{key}` of {shown}");
            }
        }
    }
    store
}

/// Texts that a faulty parser might read as the key.
fn near_misses(key: &str) -> Vec<String> {
    let mut shorter = key.to_owned();
    shorter.pop();
    let swapped = key.chars().map(|letter| {
        if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        }
    });
    let mut misses = vec![
        shorter,
        format!("{key}0"),
        format!("{key} "),
        format!(" {key}"),
        format!("'{key}'"),
        format!("\"{key}\""),
        key.trim_start_matches(['0', '+']).to_owned(),
        key.replace(['_', '-'], ""),
        swapped.collect(),
    ];
    misses.retain(|miss| miss != key);
    misses
}

/// A bad text, the line and column of its error, and the message.
pub(crate) type Bad<'a> = (&'a str, &'a str, &'a str);

/// Checks that each of these texts is refused with its message, and lists the failures.
#[track_caller]
pub(crate) fn refused(cases: &[Bad<'_>]) {
    let mut wrong = String::new();
    for (text, place, message) in cases {
        let shown = text.chars().take(60).collect::<String>();
        if let Err(found) = check_refusal(text.as_bytes(), place, message) {
            let _ = writeln!(wrong, "{shown:?}\n  expected {place}: {message}\n  found {found}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Like [`refused`], for bytes that are not text.
#[track_caller]
pub(crate) fn refused_bytes(bytes: &[u8], place: &str, message: &str) {
    let outcome = check_refusal(bytes, place, message);
    outcome.unwrap_or_else(|found| panic!("expected {place}: {message}\nfound {found}"));
}

fn check_refusal(text: &[u8], place: &str, message: &str) -> Result<(), String> {
    let path = file(text);
    let error_of = |loaded: Result<YamlStore, KeyFileError>| match loaded {
        Ok(store) => Err(format!("a file of {} keys", store.len())),
        Err(error) => Ok(error),
    };
    let error = error_of(YamlStore::open(&path))?;
    let mut said = format!("{error} {error:?}");
    if let Some(source) = error.source() {
        let _ = write!(said, "{source} {source:?}");
    }
    if said.contains(CANARY) {
        return Err(format!("a message with a part of the key: {error}"));
    }
    if error.path() != Some(&*path) {
        return Err(format!("the path {:?}", error.path()));
    }
    same(&format!("{}:{place}: {message}", path.display()), &error)?;

    let (line, column) = place.split_once(':').unwrap();
    let numbers = (error.line(), error.column());
    if numbers != (line.parse().ok(), column.parse().ok()) {
        return Err(format!("the numbers {numbers:?}"));
    }
    let without_path = format!("line {line}, column {column}: {message}");
    same(&without_path, &error_of(YamlStore::from_reader(text))?)?;
    if let Ok(text) = std::str::from_utf8(text) {
        same(&without_path, &error_of(text.parse())?)?;
    }
    Ok(())
}

fn same(expected: &str, error: &KeyFileError) -> Result<(), String> {
    let found = error.to_string();
    if found == expected { Ok(()) } else { Err(found) }
}

/// A new file with this text.
pub(crate) fn file(text: &[u8]) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keys {number}.yml"));
    fs::write(&path, text).expect("a file can be written");
    // Keys that everybody can read are warned about.
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("its mode can be changed");
    path
}
