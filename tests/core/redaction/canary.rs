//! A key that must never be shown, and the checks for it.

use std::error::Error;
use std::fmt::{Debug, Display, Write as _};

use keygate::KeyDigest;

pub(crate) const CANARY: &str = "Kanar1envogel-vQ2mXk_9RzLpT4wYbN8sJdHcF3gUe6";

/// Everything that a type shows.
pub(crate) fn debug(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}\n{value:x?}\n{value:#X?}\n")
}

pub(crate) fn text(value: &(impl Debug + Display)) -> String {
    format!("{value}\n{value:#}\n{}", debug(value))
}

/// Everything that an error and its sources show.
pub(crate) fn error(error: &(dyn Error + 'static)) -> String {
    let mut shown = String::new();
    let mut link = Some(error);
    while let Some(error) = link {
        write!(shown, "{error}\n{error:#}\n{}", debug(&error)).unwrap();
        link = error.source();
    }
    shown
}

/// Finds a part of the canary in this text: of the key, of its digest, or of the bytes of either.
///
/// The first 16 hexadecimal digits of the digest are the key's public id, which may appear alone.
pub(crate) fn trace_in(shown: &str) -> Option<&'static str> {
    let lower = shown.to_lowercase();
    let packed: String = shown.split_whitespace().collect();
    let (key, digest) = (CANARY.as_bytes(), KeyDigest::of(CANARY.as_bytes()).to_bytes());
    let part_of = |secret: &str, length: usize, text: &str| {
        let secret: Vec<char> = secret.chars().collect();
        secret.windows(length).any(|part| text.contains(&part.iter().collect::<String>()))
    };
    let listed = |bytes: &[u8]| {
        // A slice as written by `{:?}` and `{:x?}`, without blanks.
        let decimal = |byte: &u8| format!("{byte},");
        let hexadecimal = |byte: &u8| format!("{byte:x},");
        bytes.windows(4).any(|part| {
            let in_list = |write: &dyn Fn(&u8) -> String| {
                let list: String = part.iter().map(write).collect();
                packed.to_lowercase().replace("0x", "").contains(list.trim_end_matches(','))
            };
            in_list(&decimal) || in_list(&hexadecimal)
        })
    };
    let words_of = |bytes: &[u8]| {
        let (words, _) = bytes.as_chunks::<8>();
        words.iter().any(|word| {
            let forms = [u64::from_be_bytes(*word), u64::from_le_bytes(*word)];
            forms.iter().any(|word| shown.contains(&word.to_string()))
        })
    };
    let traces = [
        ("the text of the key", part_of(&CANARY.to_lowercase(), 8, &lower)),
        ("the key in hexadecimal", part_of(&hex(key), 16, &lower)),
        ("the key in base64", in_base64(key, shown)),
        ("the bytes of the key", listed(key)),
        ("the digest in hexadecimal", part_of(&hex(&digest)[1..], 16, &lower)),
        ("the digest in base64", in_base64(&digest, shown)),
        ("the bytes of the digest", listed(&digest)),
        ("the words of the digest", words_of(&digest)),
    ];
    traces.into_iter().find(|(_, is_there)| *is_there).map(|(what, _)| what)
}

/// Also finds the id of the key, which must not be shown for an unknown key.
pub(crate) fn trace_of_unknown_in(shown: &str) -> Option<&'static str> {
    let id = &hex(&KeyDigest::of(CANARY.as_bytes()).to_bytes())[..16];
    trace_in(shown).or_else(|| shown.to_lowercase().contains(id).then_some("the id of the key"))
}

#[track_caller]
pub(crate) fn assert_hidden(what: &str, shown: &str) {
    assert!(!shown.is_empty(), "{what} shows nothing");
    if let Some(trace) = trace_in(shown) {
        panic!("{what} shows {trace}:\n{shown}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn in_base64(bytes: &[u8], shown: &str) -> bool {
    let shown = shown.replace('+', "-").replace('/', "_");
    let text = base64(bytes);
    (0..text.len() - 8).any(|start| shown.contains(&text[start..start + 8]))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sextets = bytes.chunks(3).flat_map(|group| {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        [18, 12, 6, 0].map(|shift| bits >> shift & 0x3f)
    });
    sextets.map(|sextet| char::from(ALPHABET[sextet as usize])).collect()
}

#[test]
fn every_form_of_the_canary_is_noticed() {
    let (key, digest) = (CANARY.as_bytes(), KeyDigest::of(CANARY.as_bytes()));
    let bytes = digest.to_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    let forms = [
        CANARY.to_owned(),
        CANARY.to_uppercase(),
        format!("{}...", &CANARY[..8]),
        format!("...{}", &CANARY[CANARY.len() - 8..]),
        debug(&key),
        format!("{key:x?}"),
        format!("{key:#X?}"),
        hex(key),
        base64(key),
        debug(&bytes),
        format!("{bytes:#x?}"),
        digest.to_text(),
        digest.to_text().to_uppercase(),
        base64(&bytes),
        base64(&bytes).replace('-', "+").replace('_', "/"),
        u64::from_be_bytes(words[3]).to_string(),
    ];
    for form in forms {
        assert!(trace_in(&form).is_some(), "{form}");
    }
    let id = digest.to_text()["sha256:".len()..][..16].to_owned();
    assert_eq!((trace_in(&id), trace_of_unknown_in(&id)), (None, Some("the id of the key")));
    assert_eq!(trace_in("Canaries sing; the key 0123456789abcdef is [1, 2, 3, 4]"), None);
}
