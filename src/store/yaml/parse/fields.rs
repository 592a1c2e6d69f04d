use zeroize::Zeroizing;

use super::clients::CLIENT;
use super::keys::KEY;
use super::policy::POLICY;
use super::root::ROOT;
use super::values::RATE;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind, Repeated};
use crate::store::yaml::node::Node;
use crate::store::yaml::position::Position;

/// Returns the field of any kind of mapping with this name. Messages show only such names, since any other text of a
/// file may be a key.
pub(in crate::store::yaml) fn known_name(name: &str) -> Option<&'static str> {
    let names = ROOT.names().chain(POLICY.names()).chain(CLIENT.names());
    names.chain(KEY.names()).chain(RATE.names()).find(|known| *known == name)
}

/// Returns the number of letters, at most one, by which a name differs from a known one, ignoring case and separators.
pub(super) fn difference(name: &str, known: &str) -> Option<usize> {
    // A longer text is probably a key, and slow to compare.
    if name.len() > known.len() + 8 {
        return None;
    }
    let letters = |text: &str| {
        let letters = text.chars().filter(|char| !matches!(char, '_' | '-' | ' '));
        Zeroizing::new(letters.map(|char| char.to_ascii_lowercase()).collect::<String>())
    };
    Some(strsim::damerau_levenshtein(&letters(name), &letters(known)))
        .filter(|letters| *letters <= 1)
}

/// The fields of one kind of mapping, each with its name.
pub(super) struct Fields<F: 'static> {
    pub(super) known: &'static [(&'static str, F)],
    /// The suggestion for an unknown field that resembles no known one.
    pub(super) fallback: &'static str,
    pub(super) hint: &'static str,
}

/// The fields of one mapping that were read so far.
pub(super) struct SeenFields<F: 'static> {
    fields: &'static Fields<F>,
    positions: Vec<Option<Position>>,
}

impl<F: Copy> Fields<F> {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<F> {
        self.known.iter().map(|(name, _)| *name)
    }

    pub(super) fn seen(&'static self) -> SeenFields<F> {
        SeenFields { fields: self, positions: vec![None; self.known.len()] }
    }

    /// Returns the known field that resembles an unknown one most.
    fn nearest(&self, field: &str) -> &'static str {
        // A longer text is probably a key, and slow to compare.
        if field.len() > 24 {
            return self.fallback;
        }
        let field = Zeroizing::new(field.to_ascii_lowercase());
        let distances =
            self.names().map(|known| (strsim::damerau_levenshtein(&field, known), known));
        let near = distances.filter(|(distance, _)| distance * 3 < field.len() * 2);
        near.min().map_or(self.fallback, |(_, known)| known)
    }
}

impl<F: Copy> SeenFields<F> {
    /// Returns a known field; unknown and duplicate fields are errors.
    pub(super) fn field(&mut self, name: Node<'_>) -> Result<F, LoadError> {
        let position = name.position;
        let text = name.text("the name of a field", self.fields.hint)?;
        let known = self.fields.known.iter().position(|(known, _)| **known == *text);
        let index = known.ok_or_else(|| {
            let nearest = self.fields.nearest(&text);
            LoadErrorKind::UnknownField { nearest, hint: self.fields.hint }.at(position)
        })?;
        let (name, field) = self.fields.known[index];
        match self.positions[index].replace(position) {
            None => Ok(field),
            Some(first) => {
                Err(LoadErrorKind::Repeated { what: Repeated::Field(name), first: first.into() }
                    .at(position))
            }
        }
    }
}
