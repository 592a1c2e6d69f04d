use std::collections::BTreeSet;
use std::ops::Range;

use zeroize::Zeroizing;

use super::outline::{Entry, Outline, Piece};
use crate::digest::KeyDigest;

type Splice = (Range<usize>, Zeroizing<String>);

/// A key that stands in the file as it is, with the name of its client.
pub(super) struct Short<'a> {
    entry: Range<usize>,
    key: &'a str,
    pub(super) client: &'a str,
}

impl<'a> Short<'a> {
    pub(super) fn new(entry: &'a Entry<'_>, key: &'a Piece<'_>, client: &'a str) -> Option<Self> {
        let entry = entry.key.range.start..entry.value.range.end;
        Some(Self { entry, key: key.text()?, client })
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

    /// What somebody noted behind the key, unless they noted the key.
    pub(super) fn comment(&self, text: &str) -> Option<String> {
        let behind = text[self.entry.end..].lines().next()?.trim();
        let behind = behind.strip_prefix(',').unwrap_or(behind).trim_start();
        (behind.starts_with('#') && !self.is_noted_behind(text)).then(|| behind.to_owned())
    }

    pub(super) fn is_noted_behind(&self, text: &str) -> bool {
        let behind = text[self.entry.end..].lines().next().unwrap_or_default();
        behind.split_once('#').is_some_and(|(_, comment)| comment.contains(self.key))
    }
}

/// Takes out the short forms that begin at these places.
pub(super) fn shorts(
    outline: &Outline<'_>,
    gone: &BTreeSet<usize>,
    comments_left: &BTreeSet<usize>,
) -> Vec<Splice> {
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
                let bare = !inside.contains('#') && !is_explicit && !field.value.is_flow();
                if keys.len() == field.value.entries().len() && bare && !root.is_flow() {
                    let line = line_of(outline.text, &field.key.range);
                    splices.push((line, Zeroizing::default()));
                }
                splices.extend(entries(outline, &field.value, &keys, comments_left));
            }
            _ => {}
        }
    }
    splices.extend(entries(outline, root, &fields, comments_left));
    splices
}

/// Takes these entries out of a mapping.
pub(super) fn entries(
    outline: &Outline<'_>,
    mapping: &Piece<'_>,
    gone: &BTreeSet<usize>,
    comments_left: &BTreeSet<usize>,
) -> Vec<Splice> {
    let ranges = gone.iter().flat_map(|place| {
        let entry = &mapping.entries()[*place];
        let range = entry.key.range.start..entry.value.range.end;
        let leaves_comment = comments_left.contains(&range.start);
        let lines = lines_of(outline.text, &range);
        match (mapping.is_flow(), leaves_comment) {
            (true, _) => between_brackets(outline.text, range, leaves_comment),
            (false, true) => [Some(lines.start..range.end), None],
            (false, false) => [Some(lines), None],
        }
    });
    ranges.flatten().map(|range| (range, Zeroizing::default())).collect()
}

/// An entry between brackets, with the comma behind it if there is one, and with its lines where those
/// hold nothing else but a comment behind it.
fn between_brackets(
    text: &str,
    entry: Range<usize>,
    leaves_comment: bool,
) -> [Option<Range<usize>>; 2] {
    let line = line_of(text, &(entry.start..entry.start));
    let before = text[line.start..entry.start].trim_end();
    let start = if before.ends_with('?') { line.start + before.len() - 1 } else { entry.start };
    let comma = comma_behind(text, entry.end);
    if let Some(comma) = comma.filter(|comma| text[entry.end..*comma].contains('#')) {
        return [Some(start..entry.end), Some(comma..comma + 1)];
    }
    let end = comma.map_or(entry.end, |comma| comma + 1);
    let rest = &text[end..line_of(text, &(end..end)).end];
    let next = rest.trim_start();
    let ends_line = next.is_empty() || next.starts_with('#');
    if ends_line && !leaves_comment && text[line.start..start].trim().is_empty() {
        return [Some(line.start..end + rest.len()), None];
    }
    let blanks = if ends_line || comma.is_none() { 0 } else { rest.len() - next.len() };
    let is_last = next.starts_with(['}', ']']);
    [Some(start..end + if is_last { 0 } else { blanks }), None]
}

/// The comma behind a value between brackets, which comments may stand before.
fn comma_behind(text: &str, mut place: usize) -> Option<usize> {
    loop {
        let rest = text[place..].trim_start();
        place = text.len() - rest.len();
        match rest.chars().next()? {
            ',' => return Some(place),
            '#' => place += rest.find('\n')?,
            _ => return None,
        }
    }
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
