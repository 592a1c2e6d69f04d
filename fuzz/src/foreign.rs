//! Reads a file of another system: there must be no panic and no key in a message, and all clients must be valid.
//!
//! The first byte chooses the format, and the second one the options. Each `^` in the rest becomes a different key.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use clap::ValueEnum as _;
use keygate::{Authenticator, ClientProfile, KeyDigest};

use crate::tool::foreign::{self, Draft, Format, Options, ScopesFrom, Side};

/// Is replaced with a key.
const PLACEHOLDER: char = '^';
/// The minimum length of a word that may be a key.
const LONG_WORD: usize = 14;
const FILES: [&str; 4] = ["keys", "keys.csv", ".env", "keys.json"];

/// Long values of variables. Naming a variable must not make its value a key.
static ENVIRONMENT: LazyLock<Vec<(String, [u8; 32])>> = LazyLock::new(|| {
    let values = std::env::vars().map(|(_, value)| value).filter(|value| value.len() >= LONG_WORD);
    values.map(|value| (value.clone(), KeyDigest::of(value.as_bytes()).to_bytes())).collect()
});

/// Reads `data` as a file of another system.
///
/// # Panics
///
/// A key is shown, a client breaks a rule or may do everything, or a result without errors is not a valid key file.
pub fn check(data: &[u8]) {
    let [format, options, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let formats = Format::value_variants();
    let format = formats[usize::from(format.wrapping_sub(b'a')) % formats.len()];
    let (text, keys) = with_keys(text);
    for name in FILES {
        if let Err(reason) = foreign::recognize(Path::new(name), &text) {
            assert!(!keys.iter().any(|key| reason.contains(key)));
        }
    }
    let draft = foreign::read(format, &text, of_byte(*options));
    check_messages(&draft, &text, &keys);
    check_clients(&draft);
    check_keys(&draft, &text, &keys);
}

fn with_keys(text: &str) -> (String, Vec<String>) {
    let (mut filled, mut keys) = (String::new(), Vec::new());
    for part in text.split_inclusive(PLACEHOLDER) {
        let Some(before) = part.strip_suffix(PLACEHOLDER) else {
            filled += part;
            continue;
        };
        let key = format!("Zq8T0pLr4VbXn2Jc7WmKd9Hs3Ga6Fe{:04}", keys.len());
        filled = filled + before + &key;
        keys.push(key);
    }
    (filled, keys)
}

fn of_byte(byte: u8) -> Options {
    let side = if byte & 4 == 0 { Side::Left } else { Side::Right };
    let from = if byte & 16 == 0 { ScopesFrom::Acl } else { ScopesFrom::Permissions };
    Options {
        client: (byte & 1 != 0).then(|| "App 1".to_owned()),
        keys: (byte & 2 != 0).then_some(side),
        scopes_from: (byte & 8 != 0).then_some(from),
    }
}

fn check_messages(draft: &Draft, text: &str, keys: &[String]) {
    let Draft { keys: found, clients, left_out, faults, settings, headers, .. } = draft;
    let messages = faults.iter().chain(left_out).map(ToString::to_string);
    let messages: Vec<_> = messages
        .chain(found.iter().map(|key| key.at.clone()))
        .chain(settings.keys().cloned())
        .chain(headers.iter().cloned())
        .collect();
    // A value takes at least a byte, and aliases expand a text at most 16 times.
    assert!(messages.len() <= 64 + text.len() * 17, "{} messages", messages.len());
    let names = clients.keys().cloned();
    let titles = clients.values().filter_map(|client| client.title.clone());
    let labels = found.iter().filter_map(|key| key.label.clone());
    for shown in messages.iter().cloned().chain(names).chain(titles).chain(labels) {
        assert!(!keys.iter().any(|key| shown.contains(key)), "a key is shown: {shown}");
        assert!(shown.len() < 2_048, "{} bytes are shown", shown.len());
    }
    let digests: BTreeSet<_> = found.iter().map(|key| key.digest.to_bytes()).collect();
    for word in
        words(text).filter(|word| digests.contains(&KeyDigest::of(word.as_bytes()).to_bytes()))
    {
        // A text that is also a name in the file may be shown.
        if text.matches(word).count() == 1 {
            assert!(!messages.iter().any(|message| message.contains(word)), "{word} is shown");
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |char: char| char.is_alphanumeric() || "_-+/=.".contains(char);
    text.split(move |char| !is_part(char)).filter(|word| word.chars().count() >= LONG_WORD)
}

fn check_clients(draft: &Draft) {
    for (name, client) in &draft.clients {
        let mut profile = ClientProfile::new(&**name)
            .with_scopes(client.scopes.clone())
            .with_metadata(client.metadata.clone());
        if let Some(title) = &client.title {
            profile = profile.with_title(&**title);
        }
        profile.validate().expect("a client follows the rules");
        let mut scopes = client.scopes.iter();
        assert!(scopes.all(|scope| scope.as_str() != "*" && !scope.is_reserved()), "{name}");
    }
}

fn check_keys(draft: &Draft, text: &str, keys: &[String]) {
    let digests: HashSet<_> = draft.keys.iter().map(|key| key.digest.to_bytes()).collect();
    assert_eq!(digests.len(), draft.keys.len(), "a key is there twice");
    for (value, digest) in ENVIRONMENT.iter() {
        assert!(!digests.contains(digest) || text.contains(value), "a variable was put in");
    }
    if !draft.faults.is_empty() {
        return;
    }
    let store = draft.store().expect("what has no faults is a key file");
    assert_eq!(store.len(), draft.keys.len());
    let auth = Authenticator::new(store);
    for key in keys {
        let digest = KeyDigest::of(key.as_bytes());
        let found = draft.keys.iter().find(|found| found.digest == digest);
        // The key may have expired.
        if let (Ok(client), found) = (auth.verify_key(key.as_bytes()), found) {
            assert_eq!(found.map(|found| found.client.as_str()), Some(client.name()));
        } else if let Some(found) = found {
            assert!(found.expires.is_some(), "a key that was read is not known");
        }
    }
}
