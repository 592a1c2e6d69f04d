//! Changes inside a mapping or list. Unchanged parts keep their text, with comments.

use std::ops::Range;

use super::Field;
use super::outline::{Entry, Outline, Piece, Shape};
use super::splice::Splice;
use super::write::{Item, Value, entry};

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
    /// Sets and removes fields of a mapping. Returns the new fields, which the caller must add.
    pub(super) fn set_fields(
        &self,
        mapping: &Piece<'_>,
        fields: Vec<Field>,
    ) -> (Vec<Splice>, Vec<(String, Value)>) {
        let (mut splices, mut new) = (Vec::new(), Vec::new());
        let removed = fields.iter().filter(|(_, value)| value.is_none());
        let removed = removed.map(|(name, _)| name.clone()).collect::<Vec<_>>();
        for (name, value) in fields {
            match (mapping.field(&name), value) {
                (Some(old), None) => splices.push(self.remove_field(mapping, old, &removed)),
                (Some(old), Some(value)) => splices.extend(self.replace(old, &value)),
                (None, value) => new.extend(value.map(|value| (name, value))),
            }
        }
        (splices, new)
    }

    /// Removes the lines of a field. If it is on the line of a dash, the next remaining field moves there.
    fn remove_field(&self, mapping: &Piece<'_>, field: &Entry<'_>, removed: &[String]) -> Splice {
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
    fn replace(&self, field: &Entry<'_>, value: &Value) -> Vec<Splice> {
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
            let new = self.merged_flow(old, fates, &new);
            return vec![Splice { range: old.range.clone(), new, inside }];
        }
        let mut splices = Vec::new();
        for (range, fate) in fates {
            match fate {
                Fate::Kept => {}
                Fate::Removed => splices.push(self.removal(range)),
                Fate::Replaced(range, new) => splices.push(Splice { range, new, inside }),
            }
        }
        if !matches!(&new, Value::Mapping(new) if new.is_empty())
            && !matches!(&new, Value::List(new) if new.is_empty())
        {
            splices.push(self.append(old, &new));
        }
        splices
    }

    /// Returns the text of a value in flow style. At least one of its entries or items stays.
    fn merged_flow(
        &self,
        old: &Piece<'_>,
        fates: Vec<(Range<usize>, Fate)>,
        new: &Value,
    ) -> String {
        let (mut text, mut at, mut has_kept) = (String::new(), old.range.start, false);
        for (range, fate) in fates {
            match fate {
                Fate::Removed if has_kept => at = range.end,
                Fate::Removed => {
                    // Removed with the comma after it: the next item begins where this one did.
                    text.push_str(self.text.get(at..range.start).unwrap_or_default());
                    at = usize::MAX;
                }
                fate => {
                    if at == usize::MAX {
                        at = range.start;
                    }
                    let end = range.end;
                    let (range, value) = match fate {
                        Fate::Replaced(range, value) => (range, value),
                        _ => (end..end, String::new()),
                    };
                    text.push_str(&self.text[at..range.start]);
                    text.push_str(&value);
                    (at, has_kept) = (end, true);
                }
            }
        }
        let more = match new {
            Value::Mapping(entries) => {
                entries.iter().map(|(name, value)| entry(name, value)).collect::<Vec<_>>()
            }
            Value::List(items) => items.iter().map(|item| item.value.flow()).collect(),
            _ => Vec::new(),
        };
        for more in &more {
            text.extend([", ", more]);
        }
        text.push_str(&self.text[at..old.range.end]);
        // A splice writes the line endings of the file.
        text.replace("\r\n", "\n")
    }
}

impl Merge {
    /// Compares a mapping or list of texts with a new value. Returns `None` if no part of it stays.
    fn of(old: &Piece<'_>, new: &Value) -> Option<Self> {
        let Value::Flow(new) = new else { return None };
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
            (Value::List(new), Shape::List { items, .. }) => {
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
