use std::ops::Range;

use super::key_set::contains_key;
use super::outline::{Entry, Piece};
use crate::key::KeyDigest;

/// An entry of `api_key` or `api_keys`: a key in plaintext, and the name of its client.
pub(super) struct PlaintextEntry<'a> {
    range: Range<usize>,
    /// The text between key and value of the entry.
    between: Range<usize>,
    key: &'a str,
    pub(super) client: &'a str,
    /// The mapping that contains the entry; `None` for the root.
    pub(super) parent: Option<&'a Piece<'a>>,
}

impl<'a> PlaintextEntry<'a> {
    pub(super) fn new(
        entry: &'a Entry<'_>,
        key: &'a Piece<'_>,
        client: &'a str,
        parent: Option<&'a Piece<'a>>,
    ) -> Option<Self> {
        let between = entry.key.range.end..entry.value.range.start;
        let range = entry.key.range.start..entry.value.range.end;
        Some(Self { range, between, key: key.text()?, client, parent })
    }

    /// The offset of the entry, which identifies it.
    pub(super) fn offset(&self) -> usize {
        self.range.start
    }

    pub(super) fn key(&self) -> &'a str {
        self.key
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.key.as_bytes())
    }

    /// Returns the comments of the entry on one line. Comments that contain the key are left out.
    pub(super) fn comment(&self, text: &str) -> Option<String> {
        let comments = self.comments(text).filter(|comment| !contains_key(comment, self.key));
        let comments = comments.collect::<Vec<_>>().join("  ");
        (!comments.is_empty()).then_some(comments)
    }

    /// Returns the offset of the first comment of the entry that contains the key.
    pub(super) fn comment_with_key(&self, text: &str) -> Option<usize> {
        let comment = self.comments(text).find(|comment| contains_key(comment, self.key))?;
        Some(comment.as_ptr().addr() - text.as_ptr().addr())
    }

    /// Returns the comments inside the entry and on the rest of its last line.
    fn comments<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let after = text[self.range.end..].lines().take(1);
        let lines = text[self.between.clone()].lines().chain(after);
        lines.filter_map(|line| Some(line[line.find('#')?..].trim_end()))
    }
}
