use std::collections::HashSet;
use std::ops::Range;

use super::key_set::{KeySet, PREFIX_BYTES};
use super::outline::{Entry, Piece, line_number};
use super::plaintext_entry::PlaintextEntry;

/// Plaintext keys that are removed from a file, and must not remain anywhere in it.
///
/// A short key may be an ordinary word. Short keys are therefore searched as whole words only, in comments and in the
/// texts that people choose.
pub(super) struct PlaintextGuard<'a> {
    text: &'a str,
    entries: Vec<PlaintextEntry<'a>>,
    long: KeySet<'a>,
    long_prefixes: HashSet<[u8; PREFIX_BYTES]>,
    short: KeySet<'a>,
}

impl<'a> PlaintextGuard<'a> {
    /// # Errors
    ///
    /// The line of an entry whose comment contains the key of the entry.
    pub(super) fn new(text: &'a str, entries: Vec<PlaintextEntry<'a>>) -> Result<Self, usize> {
        if let Some(offset) = entries.iter().find_map(|entry| entry.comment_with_key(text)) {
            return Err(line_number(text, offset));
        }
        let keys = entries.iter().map(PlaintextEntry::key);
        let (long, short): (Vec<_>, Vec<_>) = keys.partition(|key| key.len() >= PREFIX_BYTES);
        let prefixes = long.iter().filter_map(|key| key.as_bytes().first_chunk()).copied();
        let long_prefixes = prefixes.collect();
        let (long, short) = (KeySet::new(long), KeySet::new(short));
        Ok(Self { text, entries, long, long_prefixes, short })
    }

    /// Checks a part of the file that is kept.
    ///
    /// # Errors
    ///
    /// The line that contains one of the keys.
    pub(super) fn check_kept(&self, kept: Range<usize>) -> Result<(), usize> {
        let found = self.find(&self.text[kept.clone()]);
        found.map_or(Ok(()), |(offset, _)| Err(self.line(kept.start + offset)))
    }

    /// Checks new text, whose client names and comments come from the removed lines.
    ///
    /// # Errors
    ///
    /// The line that contains one of the keys.
    pub(super) fn check_new(&self, new: &str) -> Result<(), usize> {
        let Some((_, key)) = self.find(new) else { return Ok(()) };
        let is_source = |entry: &&PlaintextEntry<'_>| {
            let range = entry.range();
            let end =
                self.text[range.end..].find('\n').map_or(self.text.len(), |at| range.end + at);
            let found = self.text[range.start..end].matches(key).count();
            found > usize::from(entry.key() == key)
        };
        let entry = self.entries.iter().find(is_source).or(self.entries.first());
        Err(entry.map_or(1, |entry| self.line(entry.offset())))
    }

    /// Checks the names, scopes, metadata and labels of the whole file for short keys.
    ///
    /// # Errors
    ///
    /// The line that contains one of the keys.
    pub(super) fn check_texts(&self, root: &Piece<'_>) -> Result<(), usize> {
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
        let contains_key = |text: &&&Piece<'_>| {
            text.text().is_some_and(|text| self.short.find_word(text).is_some())
        };
        let found = texts.iter().filter(contains_key).map(|text| text.range.start).min();
        found.map_or(Ok(()), |offset| Err(self.line(offset)))
    }

    fn find(&self, text: &str) -> Option<(usize, &'a str)> {
        self.find_long(text).or_else(|| self.find_short(text))
    }

    fn find_long(&self, text: &str) -> Option<(usize, &'a str)> {
        let windows = text.as_bytes().windows(PREFIX_BYTES).enumerate();
        let mut candidates = windows.filter(|(_, window)| {
            window.first_chunk().is_some_and(|prefix| self.long_prefixes.contains(prefix))
        });
        candidates.find_map(|(offset, _)| {
            let rest = &text.as_bytes()[offset..];
            Some((offset, self.long.prefixes_of(rest).next()?))
        })
    }

    fn find_short(&self, text: &str) -> Option<(usize, &'a str)> {
        let comments = text.lines().filter_map(|line| Some(line.split_once('#')?.1));
        comments.into_iter().find_map(|comment| {
            let (offset, key) = self.short.find_word(comment)?;
            Some((comment.as_ptr().addr() - text.as_ptr().addr() + offset, key))
        })
    }

    fn line(&self, offset: usize) -> usize {
        line_number(self.text, offset)
    }
}

fn entries_of<'p, 't>(piece: &'p Piece<'t>, name: &str) -> &'p [Entry<'t>] {
    piece.field(name).map_or(&[], |field| field.value.entries())
}

fn items_of<'p, 't>(piece: &'p Piece<'t>, name: &str) -> &'p [Piece<'t>] {
    piece.field(name).map_or(&[], |field| field.value.items())
}
