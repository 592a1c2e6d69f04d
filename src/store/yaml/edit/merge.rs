//! Changes inside a mapping or list. Unchanged parts keep their text, with comments.

use std::ops::Range;

use super::splice::Splice;
use crate::store::yaml::facts::Fields;
use crate::store::yaml::outline::{Entry, Outline, Piece, Shape};
use crate::store::yaml::value::{Item, Syntax, Value};

/// The entries or items of a value, each with its new text unless it is removed.
type Parts = Vec<(Range<usize>, Option<String>)>;

impl Outline<'_> {
    /// Removes the lines of a field. If it is on the line of a dash, the next remaining field moves there.
    pub(super) fn remove_field(
        &self,
        mapping: &Piece<'_>,
        field: &Entry<'_>,
        changed: &Fields,
    ) -> Splice {
        let start = field.key.range.start;
        let is_removed = |entry: &Entry<'_>| {
            let name = entry.key.text();
            changed.iter().any(|(other, value)| Some(&**other) == name && value.is_empty())
        };
        let is_kept = |other: &&Entry<'_>| other.key.range.start > start && !is_removed(other);
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
        if old.text().is_some_and(|old| value.is_equivalent(old)) {
            return Vec::new();
        }
        if let Some((parts, new)) = self.merge(old, value) {
            return self.merged(old, parts, &new, inside);
        }
        let between = &self.text[field.key.range.end..old.range.start];
        // A value of several lines may be replaced with one that fits behind the name.
        let is_below = between.contains('\n') && between.trim() == ":";
        let (start, colon) =
            if is_below { (field.key.range.end, ": ") } else { (old.range.start, "") };
        let new = format!("{colon}{}", value.line(Syntax::Yaml));
        vec![Splice { range: start..old.range.end, new, inside }]
    }

    fn merged(&self, old: &Piece<'_>, parts: Parts, new: &Value, inside: usize) -> Vec<Splice> {
        if old.is_filled_flow(self.text) {
            return vec![self.merged_flow(old, parts, new, inside)];
        }
        let mut splices = Vec::new();
        for (range, text) in parts {
            match text {
                None => splices.push(self.removal(range)),
                Some(text) if text == self.text[range.clone()] => {}
                Some(new) => splices.push(Splice { range, new, inside }),
            }
        }
        splices.push(self.append(old, new));
        splices
    }

    /// Writes a value in flow style on one line. Comments between its entries or items are not edited.
    fn merged_flow(&self, old: &Piece<'_>, parts: Parts, new: &Value, inside: usize) -> Splice {
        let inside = if self.between(old, &parts).contains('#') { old.range.start } else { inside };
        let mut texts: Vec<_> = parts.into_iter().filter_map(|(_, text)| text).collect();
        texts.extend(new.parts(Syntax::Yaml));
        let is_list = matches!(old.shape, Shape::List(_));
        let [open, close] = if is_list { ["[", "]"] } else { ["{", "}"] };
        let new = format!("{open}{}{close}", texts.join(", "));
        Splice { range: old.range.clone(), new, inside }
    }

    /// Compares a mapping or list of texts with a new value, and returns its parts and those to be added. Returns `None`
    /// for other values, and if neither a part nor a comment between them stays.
    fn merge(&self, old: &Piece<'_>, new: &Value) -> Option<(Parts, Value)> {
        let Value::Flow(new) = new else { return None };
        // The order of texts has no meaning, unlike that of the rates of a quota.
        let are_texts = |items: &[Item]| items.iter().all(|it| matches!(it.value, Value::Text(_)));
        let text = |range: Range<usize>| self.text[range].to_owned();
        let (parts, new): (Parts, _) = match (&**new, &old.shape) {
            (Value::Mapping(new), Shape::Mapping(entries)) => {
                let part = |entry: &Entry<'_>| {
                    let name = entry.key.text();
                    let (_, value) = new.iter().find(|(new, _)| Some(&**new) == name)?;
                    if entry.value.text().is_some_and(|old| value.is_equivalent(old)) {
                        return Some(text(entry.range()));
                    }
                    let before = text(entry.key.range.start..entry.value.range.start);
                    Some(before + &value.line(Syntax::Yaml))
                };
                let is_new = |(name, _): &&(String, Value)| {
                    entries.iter().all(|it| it.key.text() != Some(name))
                };
                let parts = entries.iter().map(|it| (it.range(), part(it))).collect();
                (parts, Value::Mapping(new.iter().filter(is_new).cloned().collect()))
            }
            (Value::List(new), Shape::List(items)) if are_texts(new) => {
                let is_same = |new: &Item, old: &Piece<'_>| {
                    old.text().is_some_and(|old| new.value.is_equivalent(old))
                };
                let part = |old: &Piece<'_>| {
                    new.iter().any(|new| is_same(new, old)).then(|| text(old.range.clone()))
                };
                let is_new = |new: &&Item| !items.iter().any(|old| is_same(new, old));
                let parts = items.iter().map(|it| (it.range.clone(), part(it))).collect();
                (parts, Value::List(new.iter().filter(is_new).cloned().collect()))
            }
            _ => return None,
        };
        // Otherwise, the whole value is written anew, on one line.
        let is_kept = parts.iter().any(|(_, text)| text.is_some());
        (is_kept || self.between(old, &parts).contains('#')).then_some((parts, new))
    }

    /// Returns the text between the entries or items of a value, with its comments.
    fn between(&self, old: &Piece<'_>, parts: &Parts) -> String {
        let ends = parts.iter().map(|(range, _)| range.end);
        let starts = parts.iter().map(|(range, _)| range.start).chain([old.range.end]);
        [old.range.start]
            .into_iter()
            .chain(ends)
            .zip(starts)
            .map(|(end, start)| &self.text[end..start])
            .collect()
    }
}
