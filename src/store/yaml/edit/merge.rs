//! Changes inside a mapping or list. Unchanged parts keep their text, with comments.

use std::ops::Range;

use super::splice::Splice;
use crate::store::yaml::outline::{Entry, Outline, Piece, Shape};
use crate::store::yaml::value::{Item, Value};

/// The edit of an entry or item.
enum Fate {
    Kept,
    Removed,
    /// The range of its value, and the new text.
    Replaced(Range<usize>, String),
}

/// The entries or items of a value, with those to be added.
struct Merge {
    fates: Vec<(Range<usize>, Fate)>,
    new: Value,
}

impl Outline<'_> {
    /// Removes the lines of a field. If it is on the line of a dash, the next remaining field moves there.
    pub(super) fn remove_field(
        &self,
        mapping: &Piece<'_>,
        field: &Entry<'_>,
        removed: &[String],
    ) -> Splice {
        let start = field.key.range.start;
        let is_kept = |other: &&Entry<'_>| {
            let name = other.key.text();
            other.key.range.start > start && !removed.iter().any(|it| Some(&**it) == name)
        };
        match mapping.entries().iter().find(is_kept) {
            Some(next) if !self.text[self.line_start(start)..start].trim().is_empty() => {
                Splice { range: start..next.key.range.start, new: String::new(), inside: start }
            }
            _ => self.removal(field.range()),
        }
    }

    /// Replaces the value of a field.
    pub(super) fn replace(&self, field: &Entry<'_>, value: &Value) -> Vec<Splice> {
        let (old, inside) = (&field.value, field.key.range.start);
        if old.is_text(|old| value.is_equivalent(old)) {
            return Vec::new();
        }
        if let Some(merge) = Merge::of(old, value) {
            return self.merged(old, merge, inside);
        }
        let between = &self.text[field.key.range.end..old.range.start];
        // A value of several lines may be replaced with one that fits behind the name.
        if between.contains('\n') && between.trim() == ":" {
            let range = field.key.range.end..old.range.end;
            return vec![Splice { range, new: format!(": {}", value.flow()), inside }];
        }
        vec![Splice { range: old.range.clone(), new: value.flow(), inside }]
    }

    fn merged(&self, old: &Piece<'_>, Merge { fates, new }: Merge, inside: usize) -> Vec<Splice> {
        if old.is_filled_flow(self.text) {
            return vec![self.merged_flow(old, fates, &new, inside)];
        }
        let mut splices = Vec::new();
        for (range, fate) in fates {
            match fate {
                Fate::Kept => {}
                Fate::Removed => splices.push(self.removal(range)),
                Fate::Replaced(range, new) => splices.push(Splice { range, new, inside }),
            }
        }
        if !new.is_empty() {
            splices.push(self.append(old, &new));
        }
        splices
    }

    /// Writes a value in flow style on one line, from the texts of the entries or items that stay, and the new ones.
    /// Comments between them are not edited.
    fn merged_flow(
        &self,
        old: &Piece<'_>,
        fates: Vec<(Range<usize>, Fate)>,
        new: &Value,
        inside: usize,
    ) -> Splice {
        let (mut parts, mut between, mut end) = (Vec::new(), String::new(), old.range.start);
        for (range, fate) in fates {
            between += &self.text[end..range.start];
            end = range.end;
            match fate {
                Fate::Kept => parts.push(self.text[range].to_owned()),
                Fate::Removed => {}
                Fate::Replaced(value, new) => {
                    parts.push(format!("{}{new}", &self.text[range.start..value.start]));
                }
            }
        }
        parts.extend(new.flow_parts());
        between += &self.text[end..old.range.end];
        let inside = if between.contains('#') { old.range.start } else { inside };
        let is_list = matches!(old.shape, Shape::List { .. });
        let [open, close] = if is_list { ["[", "]"] } else { ["{", "}"] };
        let new = format!("{open}{}{close}", parts.join(", "));
        // A splice writes the line endings of the file.
        Splice { range: old.range.clone(), new: new.replace("\r\n", "\n"), inside }
    }
}

impl Merge {
    /// Compares a mapping or list of texts with a new value. Returns `None` if no part of it stays.
    fn of(old: &Piece<'_>, new: &Value) -> Option<Self> {
        let Value::Flow(new) = new else { return None };
        // The order of texts has no meaning, unlike that of the rates of a quota.
        let are_texts = |items: &[Item]| items.iter().all(|it| matches!(it.value, Value::Text(_)));
        let merge = match (&**new, &old.shape) {
            (Value::Mapping(new), Shape::Mapping { entries, .. }) => {
                let find = |field: &Entry<'_>| {
                    new.iter().find(|(name, _)| Some(&**name) == field.key.text())
                };
                let fate = |field: &Entry<'_>| match find(field) {
                    None => Fate::Removed,
                    Some((_, value)) if field.value.is_text(|old| value.is_equivalent(old)) => {
                        Fate::Kept
                    }
                    Some((_, value)) => Fate::Replaced(field.value.range.clone(), value.flow()),
                };
                let is_new = |(name, _): &&(String, Value)| {
                    entries.iter().all(|it| it.key.text() != Some(name))
                };
                let added = new.iter().filter(is_new).cloned().collect();
                Self {
                    fates: entries.iter().map(|it| (it.range(), fate(it))).collect(),
                    new: Value::Mapping(added),
                }
            }
            (Value::List(new), Shape::List { items, .. }) if are_texts(new) => {
                let is_same =
                    |new: &Item, old: &Piece<'_>| old.is_text(|old| new.value.is_equivalent(old));
                let fate = |old: &Piece<'_>| {
                    let is_kept = new.iter().any(|new| is_same(new, old));
                    if is_kept { Fate::Kept } else { Fate::Removed }
                };
                let is_new = |new: &&Item| !items.iter().any(|old| is_same(new, old));
                let added = new.iter().filter(is_new).cloned().collect();
                Self {
                    fates: items.iter().map(|old| (old.range.clone(), fate(old))).collect(),
                    new: Value::List(added),
                }
            }
            _ => return None,
        };
        merge.fates.iter().any(|(_, fate)| !matches!(fate, Fate::Removed)).then_some(merge)
    }
}
