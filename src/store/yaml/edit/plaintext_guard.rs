use std::collections::HashSet;
use std::ops::Range;

use super::outline::{Entry, Piece};
use super::remove::Short;
use crate::key::MIN_KEY_CHARS;

/// So many bytes of two keys do not agree by chance.
const BEGINNING: usize = MIN_KEY_CHARS;

/// The keys in clear that are taken out of a file, of which none may be left anywhere in it.
///
/// Weak ones may be words like any other, and are looked for as whole words, in comments and in the
/// texts that people choose.
pub(super) struct PlaintextGuard<'a> {
    text: &'a str,
    shorts: Vec<Short<'a>>,
    long: Keys<'a>,
    beginnings: HashSet<[u8; BEGINNING]>,
    weak: Keys<'a>,
}

impl<'a> PlaintextGuard<'a> {
    /// # Errors
    ///
    /// The line of a comment that belongs to a key and holds it.
    pub(super) fn new(text: &'a str, shorts: Vec<Short<'a>>) -> Result<Self, usize> {
        let keys = shorts.iter().map(Short::key);
        let (long, weak): (Vec<_>, Vec<_>) = keys.partition(|key| key.len() >= BEGINNING);
        let beginnings = long.iter().filter_map(|key| key.as_bytes().first_chunk()).copied();
        let beginnings = beginnings.collect();
        let noted = shorts.iter().find_map(|short| short.place_noted(text));
        let gone = Self { text, shorts, long: Keys::new(long), beginnings, weak: Keys::new(weak) };
        noted.map_or(Ok(()), |place| Err(gone.line(place))).map(|()| gone)
    }

    /// Looks through a part of the file that stays.
    ///
    /// # Errors
    ///
    /// The line on which one of the keys stands.
    pub(super) fn none_in_kept(&self, kept: Range<usize>) -> Result<(), usize> {
        let found = self.find(&self.text[kept.clone()]);
        found.map_or(Ok(()), |(place, _)| Err(self.line(kept.start + place)))
    }

    /// Looks through new text, whose names and comments come from the lines that go.
    ///
    /// # Errors
    ///
    /// As before.
    pub(super) fn none_in_new(&self, put: &str) -> Result<(), usize> {
        let Some((_, key)) = self.find(put) else { return Ok(()) };
        let holds_it_too = |short: &&Short<'_>| {
            let range = short.range();
            let end =
                self.text[range.end..].find('\n').map_or(self.text.len(), |at| range.end + at);
            let found = self.text[range.start..end].matches(key).count();
            found > usize::from(short.key() == key)
        };
        let short = self.shorts.iter().find(holds_it_too).or(self.shorts.first());
        Err(short.map_or(1, |short| self.line(short.place())))
    }

    /// Looks through the names, scopes, metadata and labels of the whole file for weak keys.
    ///
    /// # Errors
    ///
    /// As before.
    pub(super) fn none_in_texts(&self, root: &Piece<'_>) -> Result<(), usize> {
        let mut texts = Vec::new();
        for entry in entries_of(root, "api_keys") {
            texts.push(&entry.value);
        }
        for client in entries_of(root, "clients") {
            texts.push(&client.key);
            let metadata = entries_of(&client.value, "metadata");
            texts.extend(metadata.iter().flat_map(|entry| [&entry.key, &entry.value]));
            texts.extend(items_of(&client.value, "scopes"));
            let keys = items_of(&client.value, "keys").iter();
            texts.extend(keys.filter_map(|key| Some(&key.field("label")?.value)));
        }
        let holds_one = |text: &&&Piece<'_>| {
            text.text().is_some_and(|text| self.weak.find_word(text).is_some())
        };
        let found = texts.iter().filter(holds_one).map(|text| text.range.start).min();
        found.map_or(Ok(()), |place| Err(self.line(place)))
    }

    fn find(&self, text: &str) -> Option<(usize, &'a str)> {
        self.find_long(text).or_else(|| self.find_weak(text))
    }

    fn find_long(&self, text: &str) -> Option<(usize, &'a str)> {
        let windows = text.as_bytes().windows(BEGINNING).enumerate();
        let mut begun = windows.filter(|(_, window)| {
            window.first_chunk().is_some_and(|beginning| self.beginnings.contains(beginning))
        });
        begun.find_map(|(place, _)| {
            let rest = &text.as_bytes()[place..];
            Some((place, self.long.beginning(rest).next()?))
        })
    }

    fn find_weak(&self, text: &str) -> Option<(usize, &'a str)> {
        let comments = text.lines().filter_map(|line| Some(line.split_once('#')?.1));
        comments.into_iter().find_map(|comment| {
            let (place, key) = self.weak.find_word(comment)?;
            Some((comment.as_ptr().addr() - text.as_ptr().addr() + place, key))
        })
    }

    fn line(&self, place: usize) -> usize {
        super::line(self.text, place)
    }
}

fn entries_of<'p, 't>(piece: &'p Piece<'t>, name: &str) -> &'p [Entry<'t>] {
    piece.field(name).map_or(&[], |field| field.value.entries())
}

fn items_of<'p, 't>(piece: &'p Piece<'t>, name: &str) -> &'p [Piece<'t>] {
    piece.field(name).map_or(&[], |field| field.value.items())
}

/// Returns whether a key stands in a comment: a weak one as a word of its own.
pub(super) fn is_noted(comment: &str, key: &str) -> bool {
    if key.len() >= BEGINNING {
        return comment.contains(key);
    }
    Keys::new(vec![key]).find_word(comment).is_some()
}

/// Keys in byte order. The keys with which a text begins lie before it, each the beginning of the next.
struct Keys<'a> {
    sorted: Vec<&'a str>,
    /// The longest other key with which each key begins.
    within: Vec<Option<usize>>,
}

impl<'a> Keys<'a> {
    fn new(mut sorted: Vec<&'a str>) -> Self {
        sorted.sort_unstable();
        sorted.dedup();
        let (mut within, mut open) = (Vec::with_capacity(sorted.len()), Vec::<usize>::new());
        for (place, key) in sorted.iter().enumerate() {
            while open.pop_if(|last| !key.starts_with(sorted[*last])).is_some() {}
            within.push(open.last().copied());
            open.push(place);
        }
        Self { sorted, within }
    }

    /// The keys with which a text begins, the longest first.
    fn beginning(&self, text: &[u8]) -> impl Iterator<Item = &'a str> {
        let last = self.sorted.partition_point(|key| key.as_bytes() <= text).checked_sub(1);
        let last_key = last.map_or("", |last| self.sorted[last]).as_bytes();
        let common = last_key.iter().zip(text).take_while(|(byte, other)| byte == other).count();
        let chain = std::iter::successors(last, |place| self.within[*place]);
        chain.map(|place| self.sorted[place]).filter(move |key| key.len() <= common)
    }

    /// The first key that stands in a text without a letter or digit beside it.
    fn find_word(&self, text: &str) -> Option<(usize, &'a str)> {
        let mut before = None;
        text.char_indices().find_map(|(place, char)| {
            let before = before.replace(char);
            let rest = &text[place..];
            let is_apart = |beside: Option<char>, edge: Option<char>| {
                let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
                !is_letter(beside) || !is_letter(edge)
            };
            is_apart(before, Some(char)).then(|| self.beginning(rest.as_bytes()))?.find_map(|key| {
                let behind = rest[key.len()..].chars().next();
                is_apart(behind, key.chars().next_back()).then_some((place, key))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_at_word_boundaries_alone() {
        let keys = Keys::new(vec!["hunter2", "hunter", "7", "a.a", "-x"]);
        let found = |text| keys.find_word(text);
        for text in ["x=hunter2", "/hunter2/", "|hunter2|", "was.hunter2.", "hunter2", "_hunter2_"]
        {
            assert_eq!(found(text).map(|(_, key)| key), Some("hunter2"), "{text}");
        }
        for text in ["", "hunter22", "xhunter2", "hunters", "2027", "éhunter2", "xa.a"] {
            assert_eq!(found(text), None, "{text}");
        }
        assert_eq!(found("hunter2x hunter-2"), Some((9, "hunter")));
        assert_eq!(found("xa.a.a"), Some((3, "a.a")));
        assert_eq!(found("ab-x"), Some((2, "-x")));
    }

    #[test]
    fn every_key_at_a_beginning_is_found() {
        let keys = Keys::new(vec!["ab", "a", "abx", "b", "abcde", "abc"]);
        let found = |text: &str| keys.beginning(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("abcdx"), ["abc", "ab", "a"]);
        assert_eq!(found("abcde"), ["abcde", "abc", "ab", "a"]);
        assert_eq!(found("ac"), ["a"]);
        assert_eq!(found("c"), [""; 0]);
        assert_eq!(found("A"), [""; 0]);
    }
}
