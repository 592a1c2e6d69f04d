use std::collections::{BTreeSet, HashSet};

use crate::key::{KeyDigest, MIN_KEY_CHARS};
use crate::store::yaml::outline::{Entry, Outline, Piece, line_number};
use crate::store::yaml::parse::DEFAULT_CLIENT;

/// An entry of `api_key` or `api_keys`: a key in plaintext, and the name of its client.
#[derive(Clone, Copy)]
pub(super) struct PlaintextEntry<'a> {
    pub(super) entry: &'a Entry<'a>,
    key: &'a str,
    pub(super) client: &'a str,
}

impl<'a> PlaintextEntry<'a> {
    /// Returns the entries of a file, in their order.
    pub(super) fn all(outline: &'a Outline<'a>) -> Vec<Self> {
        let one = outline.key_fields("api_key").filter_map(|entry| {
            Some(Self { entry, key: entry.value.text()?, client: DEFAULT_CLIENT })
        });
        let many = outline.key_fields("api_keys").flat_map(|field| field.value.entries());
        let many = many.filter_map(|entry| {
            Some(Self { entry, key: entry.key.text()?, client: entry.value.text()? })
        });
        let mut entries = one.chain(many).collect::<Vec<_>>();
        entries.sort_by_key(Self::offset);
        entries
    }

    /// The offset of the entry, which identifies it.
    pub(super) fn offset(&self) -> usize {
        self.entry.key.range.start
    }

    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.key.as_bytes())
    }

    /// Returns the comments inside the entry and on the rest of its last line, on one line. Comments that contain the
    /// key are left out.
    pub(super) fn comment(&self, text: &str) -> Option<String> {
        let Entry { key, value } = self.entry;
        let between = text[key.range.end..value.range.start].lines();
        let lines = between.chain(text[value.range.end..].lines().take(1));
        let keys = KeySet::of([self.key]);
        let comments = lines.filter_map(|line| Some(line[line.find('#')?..].trim_end()));
        let comments = comments.filter(|comment| !keys.is_in(comment)).collect::<Vec<_>>();
        (!comments.is_empty()).then(|| comments.join("  "))
    }
}

/// Returns the first line that contains one of these keys outside of its entry: in a comment, or in a text that people
/// choose.
pub(super) fn line_with_key(
    outline: &Outline<'_>,
    entries: &[PlaintextEntry<'_>],
) -> Option<usize> {
    let keys = KeySet::of(entries.iter().map(|entry| entry.key));
    let contains_key = |line: &str| line.split_once('#').is_some_and(|(_, text)| keys.is_in(text));
    let comment = outline.text.lines().position(contains_key).map(|index| index + 1);
    let texts = chosen_texts(outline)
        .into_iter()
        .filter(|text| text.text().is_some_and(|text| keys.is_in(text)));
    let text = texts.map(|text| line_number(outline.text, text.range.start)).min();
    comment.into_iter().chain(text).min()
}

/// Returns the names, titles, scopes, metadata and labels of a file.
fn chosen_texts<'o, 'a>(outline: &'o Outline<'a>) -> Vec<&'o Piece<'a>> {
    let entries =
        |field: Option<&'o Entry<'a>>| field.map_or(&[][..], |field| field.value.entries());
    let items = |field: Option<&'o Entry<'a>>| field.map_or(&[][..], |field| field.value.items());
    let mut texts = Vec::new();
    for field in outline.key_fields("api_keys") {
        texts.extend(field.value.entries().iter().map(|entry| &entry.value));
    }
    for Entry { key: name, value: client } in entries(outline.field("clients")) {
        texts.push(name);
        texts.extend(client.field("title").map(|title| &title.value));
        texts.extend(items(client.field("scopes")));
        let metadata = entries(client.field("metadata")).iter();
        texts.extend(metadata.flat_map(|entry| [&entry.key, &entry.value]));
        for key in items(client.field("keys")) {
            texts.extend(key.field("label").map(|label| &label.value));
            texts.extend(items(key.field("scopes")));
        }
    }
    texts
}

/// Keys to search for in texts. A short key may be an ordinary word, and is only found as a whole word.
struct KeySet<'a> {
    keys: HashSet<&'a str>,
    lengths: BTreeSet<usize>,
}

impl<'a> KeySet<'a> {
    fn of(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let keys = keys.into_iter().collect::<HashSet<_>>();
        let lengths = keys.iter().map(|key| key.len()).collect();
        Self { keys, lengths }
    }

    fn is_in(&self, text: &str) -> bool {
        text.char_indices().any(|(start, _)| {
            self.lengths.iter().map(|length| start + length).any(|end| {
                text.get(start..end).is_some_and(|found| self.keys.contains(found))
                    && (end - start >= MIN_KEY_CHARS || is_word(text, start, end))
            })
        })
    }
}

/// Returns whether a part of a text is a whole word, with no letter or digit next to it.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    [start, end].iter().all(|at| {
        let neighbours = [text[..*at].chars().next_back(), text[*at..].chars().next()];
        !neighbours.iter().all(|char| char.is_some_and(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keys_are_found_only_as_words() {
        let keys = KeySet::of(["hunter2", "hunter", "7", "a.a", "-x"]);
        for text in
            ["x=hunter2", "/hunter2/", "was.hunter2.", "hunter2", "_hunter2_", "hunter-2", "ab-x"]
        {
            assert!(keys.is_in(text), "{text}");
        }
        for text in ["", "hunter22", "xhunter2", "hunters", "2027", "éhunter2", "xa.a"] {
            assert!(!keys.is_in(text), "{text}");
        }
    }

    #[test]
    fn long_keys_are_found_inside_words() {
        let key = "0123456789abcdef";
        let keys = KeySet::of([key, "0123456789abcdefg"]);
        assert!(keys.is_in(&format!("é{key}x")) && !keys.is_in(&key[1..]));
    }
}
