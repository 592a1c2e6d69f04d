use std::collections::BTreeSet;
use std::ops::Range;

use zeroize::Zeroizing;

use super::outline::{Outline, Piece};

type Splice = (Range<usize>, Zeroizing<String>);

/// Removes the entries of `api_key` and `api_keys` that begin at these offsets.
pub(super) fn plaintext_entries(outline: &Outline<'_>, removed: &BTreeSet<usize>) -> Vec<Splice> {
    let Some(root) = &outline.root else { return Vec::new() };
    let mut splices = Vec::new();
    let mut fields = BTreeSet::new();
    for (index, field) in root.entries().iter().enumerate() {
        match field.key.text() {
            Some("api_key") if removed.contains(&field.key.range.start) => {
                fields.insert(index);
            }
            Some("api_keys") => {
                let keys = field.value.entries().iter().enumerate();
                let keys = keys.filter(|(_, entry)| removed.contains(&entry.key.range.start));
                let keys = keys.map(|(index, _)| index).collect::<BTreeSet<_>>();
                if keys.is_empty() {
                    continue;
                }
                // An emptied field is removed, too, unless that would lose a comment.
                let between = &outline.text[field.key.range.end..field.value.range.start];
                // An explicit key (`? api_keys`) has its colon on another line.
                let is_explicit = between.trim_end().contains('\n');
                let is_bare = !between.contains('#') && !is_explicit;
                if keys.len() == field.value.entries().len() && is_bare {
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

/// Removes the entries with these indexes from a mapping in block style.
pub(super) fn entries(
    outline: &Outline<'_>,
    mapping: &Piece<'_>,
    indexes: &BTreeSet<usize>,
) -> Vec<Splice> {
    let lines = indexes.iter().map(|index| {
        let entry = &mapping.entries()[*index];
        lines_of(outline.text, &(entry.key.range.start..entry.value.range.end))
    });
    lines.map(|lines| (lines, Zeroizing::default())).collect()
}

/// Returns the lines of an entry, including the last line end.
fn lines_of(text: &str, range: &Range<usize>) -> Range<usize> {
    line_of(text, &(range.start..range.start)).start..line_of(text, range).end
}

fn line_of(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |offset| offset + 1);
    // A byte order mark is not part of the first line.
    let start =
        if start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { start };
    let end = text[range.end..].find('\n').map_or(text.len(), |offset| range.end + offset + 1);
    start..end
}
