//! Loads a key file, and the same text with serde: there must be no panic, each error must have a place, and no message
//! may show the text.

use keygate::{ApiKeys, Keys, MemoryStore, YamlStore};

/// The minimum length of a word that may be a key.
const LONG_WORD: usize = 14;

/// Loads `data` as a key file.
///
/// # Panics
///
/// A message shows a word of the file, an error has no place in the file, or the two ways of loading differ.
pub fn check(data: &[u8]) {
    let loaded = YamlStore::from_reader(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let parsed: Result<YamlStore, _> = text.parse();
        assert_eq!(said(&parsed), said(&loaded), "`parse` and `from_reader` differ");
        if let Err(error) = &loaded {
            let line = error.line().expect("an error in a text has a line");
            let column = error.column().expect("an error in a text has a column");
            let lines = text.split(['\r', '\n']).count();
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
            assert!((1..=text.len() + 1).contains(&column), "column {column}");
        }
    }
    check_with_serde(data, loaded.as_ref().ok());
    check_embedded(data);
    let said = said(&loaded);
    for word in long_words(data).filter(|word| said.contains(word)) {
        // A word that stays in the message when the file has another word instead is part of the message itself.
        let other = if word.starts_with('Q') { "Z" } else { "Q" }.repeat(word.len());
        let changed = String::from_utf8_lossy(data).replace(word, &other);
        let said = self::said(&YamlStore::from_reader(changed.as_bytes()));
        assert!(!said.contains(&other), "a word of the file is shown: {said}");
    }
}

/// Reads the text as an application's own file, which must show no word either.
fn check_embedded(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let options = YamlStore::options().embedded();
    let shown = said(&options.parse(text));
    for word in long_words(data).filter(|word| shown.contains(word)) {
        let other = if word.starts_with('Q') { "Z" } else { "Q" }.repeat(word.len());
        let shown = said(&options.parse(&text.replace(word, &other)));
        assert!(!shown.contains(&other), "a word of the file is shown: {shown}");
    }
}

/// JSON is YAML, too.
fn check_with_serde(data: &[u8], file: Option<&YamlStore>) {
    let section = by_serde::<Keys>(data, |data| serde_json::from_slice(data).ok());
    by_serde::<ApiKeys>(data, |data| serde_json::from_slice(data).ok());
    if serde_json::from_slice::<serde_json::Value>(data).is_ok() {
        assert!(serde_json::from_slice::<ApiKeys>(data).is_ok(), "a key or name is an error");
        assert!(serde_json::from_slice::<Keys>(data).is_ok(), "a key or name is an error");
    }
    by_serde::<Keys>(data, |data| serde_yaml::from_slice(data).ok());
    by_serde::<ApiKeys>(data, |data| serde_yaml::from_slice(data).ok());
    if serde_yaml::from_slice::<serde_yaml::Value>(data).is_ok() {
        assert!(serde_yaml::from_slice::<ApiKeys>(data).is_ok(), "a key or name is an error");
        assert!(serde_yaml::from_slice::<Keys>(data).is_ok(), "a key or name is an error");
    }
    if let (Some(section), Some(file)) = (section, file) {
        assert_eq!(section.list_clients(), file.list_clients(), "a file and `Keys` differ");
        let keys =
            [section.list_keys(None), file.list_keys(None)].map(|keys| keys.expect("all keys"));
        assert_eq!(keys[0], keys[1], "a file and `Keys` differ");
    }
}

fn by_serde<T>(data: &[u8], load: fn(&[u8]) -> Option<T>) -> Option<MemoryStore>
where
    MemoryStore: TryFrom<T, Error = keygate::store::KeysError>,
{
    let load = |data: &[u8]| load(data).map(MemoryStore::try_from);
    let loaded = load(data)?;
    let said = |result: &Result<MemoryStore, keygate::store::KeysError>| match result {
        Ok(store) => format!("{store:?}"),
        Err(error) => format!("{error}\n{error:?}"),
    };
    let shown = said(&loaded);
    for word in long_words(data).filter(|word| shown.contains(word)) {
        let other = if word.starts_with('Q') { "Z" } else { "Q" }.repeat(word.len());
        let changed = String::from_utf8_lossy(data).replace(word, &other);
        let shown = load(changed.as_bytes()).map_or(String::new(), |loaded| said(&loaded));
        assert!(!shown.contains(&other), "a word of the text is shown: {shown}");
    }
    loaded.ok()
}

fn said(loaded: &Result<YamlStore, keygate::store::KeyFileError>) -> String {
    match loaded {
        Ok(store) => {
            let warnings: String =
                store.warnings().iter().map(|warning| format!("{warning}\n")).collect();
            format!("{warnings}{store:?}")
        }
        Err(error) => format!("{error}\n{error:?}"),
    }
}

fn long_words(data: &[u8]) -> impl Iterator<Item = &str> {
    let texts = data.utf8_chunks().map(|chunk| chunk.valid());
    let is_part = |char: char| char.is_alphanumeric() || "_-+/=.".contains(char);
    texts
        .flat_map(move |text| text.split(move |char| !is_part(char)))
        .filter(|word| word.chars().count() >= LONG_WORD)
}
