use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use keygate::store::KeysError;
use keygate::{ApiKeys, MemoryStore};

const NAME: &str = "KEYGATE_FUZZ_KEYS";

/// The file in the variable. It is unlinked, so that none is left behind.
static FILE: LazyLock<Mutex<File>> = LazyLock::new(|| {
    let file = tempfile::tempfile().expect("a temporary file");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    #[expect(unsafe_code, reason = "only Rust's own functions read the environment here")]
    // SAFETY: all users of the environment take the same lock.
    unsafe {
        std::env::set_var(format!("{NAME}_FILE"), path);
    }
    Mutex::new(file)
});

/// A list of `name=key`, compared with the same pairs in JSON.
pub(super) fn list(text: &str) {
    // Any variable name may be requested.
    let _ = ApiKeys::from_env(text.lines().next().unwrap_or_default());

    let loaded = from_env(text);
    let entries = entries(text);
    let pairs: Option<Vec<_>> = entries.iter().map(|entry| pair(entry)).collect();
    assert_eq!(loaded.is_ok(), pairs.is_some(), "{text:?}");
    let stored = loaded.and_then(MemoryStore::try_from);
    let said = stored.as_ref().err().map_or_else(String::new, |error| format!("{error} {error:?}"));
    for entry in entries {
        let key = pair(entry).map_or(entry, |(_, key)| key);
        // Shorter texts, and words of the messages, can appear by chance.
        let is_telling = key.len() > 13
            && key.contains(|char: char| char.is_ascii_digit())
            && !key.contains(char::is_whitespace);
        assert!(!is_telling || !said.contains(key), "a key is shown: {said}");
    }
    let Some(pairs) = pairs else { return };
    if pairs.iter().any(|(_, key)| is_quoted(key)) {
        assert!(stored.is_err(), "{text:?}");
        return;
    }
    match (stored, MemoryStore::try_from(by_json(&pairs))) {
        (Ok(stored), Ok(by_json)) => {
            assert_eq!(stored.list_clients(), by_json.list_clients(), "{text:?}");
            let keys = [stored, by_json].map(|store| store.list_keys(None).expect("all keys"));
            assert_eq!(keys[0], keys[1], "{text:?}");
        }
        (stored, by_json) => assert_eq!(stored.err(), by_json.err(), "{text:?}"),
    }
}

fn from_env(text: &str) -> Result<ApiKeys, KeysError> {
    let file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    file.set_len(0).expect("an empty file");
    file.write_all_at(text.as_bytes(), 0).expect("a written file");
    ApiKeys::from_env(NAME)
}

/// The entries of all lines except comments.
fn entries(text: &str) -> Vec<&str> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.split('\n').filter(|line| !line.trim_start().starts_with('#'));
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect()
}

fn pair(entry: &str) -> Option<(&str, &str)> {
    let at = entry.find('=')?;
    let (name, key) = (entry[..at].trim(), entry[at + 1..].trim());
    (!name.is_empty()).then_some((name, key))
}

fn is_quoted(key: &str) -> bool {
    let (first, last) = (key.chars().next(), key.chars().last());
    key.len() > 1 && first == last && matches!(first, Some('"' | '\''))
}

fn by_json(pairs: &[(&str, &str)]) -> ApiKeys {
    let text = |text: &str| serde_json::to_string(text).expect("a text");
    let pairs: Vec<_> =
        pairs.iter().map(|(name, key)| format!("{}:{}", text(key), text(name))).collect();
    serde_json::from_str(&format!("{{{}}}", pairs.join(","))).expect("a map of texts")
}
