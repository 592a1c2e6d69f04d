use std::ops::Range;

use zeroize::Zeroizing;

use crate::store::yaml::outline::{Entry, Outline, Piece};
use crate::store::yaml::value::Value;

/// A range of the text and its replacement. If the range is empty, the replacement is whole lines.
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) new: String,
    /// An offset in the changed mapping or list.
    pub(super) inside: usize,
}

/// Applies splices, sorted by their ranges.
pub(super) fn apply(text: &str, splices: &[Splice]) -> Zeroizing<String> {
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    // New texts may contain old ones.
    let new = |splice: &Splice| splice.new.replace("\r\n", "\n").replace('\n', eol);
    let new = splices.iter().map(new).collect::<Vec<_>>();
    let more: usize = new.iter().map(|new| new.len() + eol.len()).sum();
    // Never grown, since growing would leave a copy of the keys in memory.
    let mut edited = Zeroizing::new(String::with_capacity(text.len() + more));
    let mut end = 0;
    for (Splice { range, .. }, new) in splices.iter().zip(&new) {
        // Overlapping splices would be a bug, which is noticed because the result is loaded and compared before it is
        // used.
        edited.push_str(&text[end..range.start.max(end)]);
        let is_in_line = edited.ends_with(|last| last != '\n' && last != '\u{feff}');
        if range.is_empty() && is_in_line {
            edited.push_str(eol);
        }
        edited.push_str(new);
        end = end.max(range.end);
    }
    edited.push_str(&text[end..]);
    edited
}

impl Outline<'_> {
    /// Adds entries or items at the end of the value of an entry.
    pub(super) fn add(&self, entry: &Entry<'_>, new: &Value) -> Vec<Splice> {
        let old = &entry.value;
        if !old.is_empty() {
            return vec![self.append(old, new)];
        }
        let column = self.column(entry.key.range.start) + 2;
        let offset = self.line_after(old.range.end, usize::MAX);
        let inside = if old.range.is_empty() { &entry.key } else { old };
        let lines = insertion(offset, new.block(column), inside);
        self.clear(old).into_iter().chain([lines]).collect()
    }

    /// Adds an entry at the beginning of the value of an entry.
    pub(super) fn add_first(&self, entry: &Entry<'_>, new: &Value) -> Splice {
        let column = self.column(entry.value.range.start);
        let offset = self.line_after(entry.key.range.end, usize::MAX);
        insertion(offset, new.block(column), &entry.value)
    }

    /// Adds fields of keygate: at the end of the file or of the section, which is created if it is missing.
    pub(super) fn add_to_home(&self, new: Value) -> Vec<Splice> {
        let path = self.section.unwrap_or_default();
        let (mut found, mut at) = (None, self.root.as_ref());
        let mut missing = path;
        while let Some((name, inner)) = missing.split_first()
            && let Some(entry) = at.and_then(|piece| piece.field(name))
        {
            (found, at, missing) = (Some(entry), Some(&entry.value), inner);
        }
        let new = missing
            .iter()
            .rev()
            .fold(new, |new, name| Value::Mapping(vec![(name.to_string(), new)]));
        found.map_or_else(|| self.add_to_root(&new), |entry| self.add(entry, &new))
    }

    /// Adds fields at the end of a file.
    fn add_to_root(&self, new: &Value) -> Vec<Splice> {
        let root = self.root.as_ref();
        let (range, inside) = (self.end..self.end, root.map_or(0, |root| root.range.start));
        let lines = Splice { range, new: new.block(0), inside };
        root.and_then(|root| self.clear(root)).into_iter().chain([lines]).collect()
    }

    /// Adds entries or items after the others.
    pub(super) fn append(&self, old: &Piece<'_>, new: &Value) -> Splice {
        let column = match old.items().first() {
            Some(item) => self.column_of_dash(item),
            None => self.column(old.range.start),
        };
        let mut splice = insertion(self.line_after(old.range.end, column), new.block(column), old);
        // The range of a list in block style begins with its first item, which may be in flow style.
        if old.items().first().is_some_and(|item| item.range.start == old.range.start) {
            splice.inside -= 1;
        }
        splice
    }

    /// Removes all lines of a range.
    pub(super) fn removal(&self, Range { start, end }: Range<usize>) -> Splice {
        let range = self.line_start(start)..self.line_after(end, usize::MAX);
        Splice { range, new: String::new(), inside: start }
    }

    /// Removes the name of a field that loses all its entries or items, unless there are comments before the first.
    pub(super) fn removal_of_name(&self, field: &Entry<'_>) -> Option<Splice> {
        let between = &self.text[field.key.range.end..field.value.range.start];
        let between =
            between.trim_start_matches(' ').trim_end_matches(['-', ' ', '\t', '\r', '\n']);
        (between == ":").then(|| self.removal(field.key.range.clone()))
    }

    /// Removes empty brackets or `null`, if they are written in the text, with the blanks before them or with their
    /// whole line.
    fn clear(&self, piece: &Piece<'_>) -> Option<Splice> {
        let Range { start, end } = piece.range;
        let start = self.text[..start].trim_end_matches([' ', '\t']).len();
        let line_end = self.line_after(end, usize::MAX);
        let is_alone =
            self.line_start(start) == start && self.text[end..line_end].trim().is_empty();
        let range = start..if is_alone { line_end } else { end };
        let is_written_empty = piece.is_empty() && !piece.range.is_empty();
        is_written_empty.then(|| Splice { range, new: String::new(), inside: piece.range.start })
    }

    pub(super) fn line_start(&self, offset: usize) -> usize {
        // A byte order mark is not part of the first line.
        let first = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        self.text[..offset].rfind('\n').map_or(first, |end| end + 1)
    }

    /// Returns the start of the line after an offset, past comments that are indented to this column or deeper.
    fn line_after(&self, offset: usize, column: usize) -> usize {
        let next = |offset: usize| {
            self.text[offset..].find('\n').map_or(self.text.len(), |end| offset + end + 1)
        };
        let mut offset = next(offset);
        loop {
            let line = &self.text[offset..next(offset)];
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if blanks < column || !line[blanks..].starts_with('#') {
                return offset;
            }
            offset += line.len();
        }
    }

    fn column(&self, offset: usize) -> usize {
        self.text[self.line_start(offset)..offset].chars().count()
    }

    /// Returns the column of the dash of an item, which is the first character on its line.
    fn column_of_dash(&self, item: &Piece<'_>) -> usize {
        let line = &self.text[self.line_start(item.range.start)..];
        line.len() - line.trim_start_matches(' ').len()
    }
}

/// Inserts lines into a mapping or list.
fn insertion(offset: usize, lines: String, into: &Piece<'_>) -> Splice {
    Splice { range: offset..offset, new: lines, inside: into.range.start }
}
