use std::collections::BTreeSet;
use std::ops::Range;

use zeroize::Zeroizing;

use super::outline::{Entry, Outline, Piece};
use super::plaintext_guard::is_noted;
use crate::key::KeyDigest;

type Splice = (Range<usize>, Zeroizing<String>);

/// A key that stands in the file as it is, with the name of its client.
pub(super) struct Short<'a> {
    entry: Range<usize>,
    /// What stands between the name and the value of the entry.
    between: Range<usize>,
    key: &'a str,
    pub(super) client: &'a str,
    /// The mapping that it stands in, unless that is the document.
    pub(super) parent: Option<&'a Piece<'a>>,
}

impl<'a> Short<'a> {
    pub(super) fn new(
        entry: &'a Entry<'_>,
        key: &'a Piece<'_>,
        client: &'a str,
        parent: Option<&'a Piece<'a>>,
    ) -> Option<Self> {
        let between = entry.key.range.end..entry.value.range.start;
        let entry = entry.key.range.start..entry.value.range.end;
        Some(Self { entry, between, key: key.text()?, client, parent })
    }

    /// Where it begins, which no other does.
    pub(super) fn place(&self) -> usize {
        self.entry.start
    }

    pub(super) fn key(&self) -> &'a str {
        self.key
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.entry.clone()
    }

    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.key.as_bytes())
    }

    /// The comments of the entry on one line, without comments that hold the key.
    pub(super) fn comment(&self, text: &str) -> Option<String> {
        let comments = self.comments(text).filter(|comment| !is_noted(comment, self.key));
        let comments = comments.collect::<Vec<_>>().join("  ");
        (!comments.is_empty()).then_some(comments)
    }

    /// The first place of a comment of the entry that holds the key.
    pub(super) fn place_noted(&self, text: &str) -> Option<usize> {
        let comment = self.comments(text).find(|comment| is_noted(comment, self.key))?;
        Some(comment.as_ptr().addr() - text.as_ptr().addr())
    }

    /// The comments in the entry and behind it.
    fn comments<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let behind = text[self.entry.end..].lines().take(1);
        let lines = text[self.between.clone()].lines().chain(behind);
        lines.filter_map(|line| Some(line[line.find('#')?..].trim_end()))
    }
}

/// Takes out the short forms that begin at these places.
pub(super) fn shorts(outline: &Outline<'_>, gone: &BTreeSet<usize>) -> Vec<Splice> {
    let Some(root) = &outline.root else { return Vec::new() };
    let mut splices = Vec::new();
    let mut fields = BTreeSet::new();
    for (place, field) in root.entries().iter().enumerate() {
        match field.key.text() {
            Some("api_key") if gone.contains(&field.key.range.start) => {
                fields.insert(place);
            }
            Some("api_keys") => {
                let keys = field.value.entries().iter().enumerate();
                let keys = keys.filter(|(_, entry)| gone.contains(&entry.key.range.start));
                let keys = keys.map(|(place, _)| place).collect::<BTreeSet<_>>();
                if keys.is_empty() {
                    continue;
                }
                // A field that nothing is left in goes too, if that loses no comment.
                let inside = &outline.text[field.key.range.end..field.value.range.start];
                // One that says `?` has a colon on another line.
                let is_explicit = inside.trim_end().contains('\n');
                let bare = !inside.contains('#') && !is_explicit;
                if keys.len() == field.value.entries().len() && bare {
                    let line = line_of(outline.text, &field.key.range);
                    splices.push((line, Zeroizing::default()));
                }
                splices.extend(entries(outline, &field.value, &keys));
            }
            _ => {}
        }
    }
    splices.extend(entries(outline, root, &fields));
    splices
}

/// Takes these entries out of a mapping in block style.
pub(super) fn entries(
    outline: &Outline<'_>,
    mapping: &Piece<'_>,
    gone: &BTreeSet<usize>,
) -> Vec<Splice> {
    let lines = gone.iter().map(|place| {
        let entry = &mapping.entries()[*place];
        lines_of(outline.text, &(entry.key.range.start..entry.value.range.end))
    });
    lines.map(|lines| (lines, Zeroizing::default())).collect()
}

/// The lines of an entry, from the beginning of the first to behind the end of the last.
fn lines_of(text: &str, range: &Range<usize>) -> Range<usize> {
    line_of(text, &(range.start..range.start)).start..line_of(text, range).end
}

fn line_of(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |place| place + 1);
    // What stands before everything else in a file is no part of its first line.
    let start =
        if start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { start };
    let end = text[range.end..].find('\n').map_or(text.len(), |place| range.end + place + 1);
    start..end
}
