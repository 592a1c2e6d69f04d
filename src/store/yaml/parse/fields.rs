use zeroize::Zeroizing;

use crate::store::yaml::events::Node;
use crate::store::yaml::fault::{Fault, FaultKind, Position};

/// The names that one kind of mapping may hold.
pub(super) struct Fields {
    pub(super) known: &'static [&'static str],
    /// The one that most of these mappings need, named where nothing is near.
    pub(super) most: &'static str,
    pub(super) way_out: &'static str,
}

/// Which of them one mapping has held so far.
pub(super) struct Seen {
    fields: &'static Fields,
    places: Vec<Option<Position>>,
}

impl Fields {
    pub(super) fn seen(&'static self) -> Seen {
        Seen { fields: self, places: vec![None; self.known.len()] }
    }

    /// The field that was meant, or the one that most files need where nothing is near.
    fn nearest(&self, field: &str) -> &'static str {
        // What is longer than this is a key, and comparing it takes a hundred times as long as reading.
        if field.len() > 24 {
            return self.most;
        }
        let field = Zeroizing::new(field.to_ascii_lowercase());
        let distances =
            self.known.iter().map(|known| (strsim::damerau_levenshtein(&field, known), *known));
        let near = distances.filter(|(distance, _)| distance * 3 < field.len() * 2);
        near.min().map_or(self.most, |(_, known)| known)
    }
}

impl Seen {
    /// The known name that a field has.
    pub(super) fn name(&mut self, field: Node<'_>) -> Result<&'static str, Fault> {
        let place = field.place;
        let text = field.text("the name of a field", self.fields.way_out)?;
        let known = self.fields.known.iter().position(|known| **known == *text);
        let index = known.ok_or_else(|| {
            let nearest = self.fields.nearest(&text);
            FaultKind::UnknownField { nearest, way_out: self.fields.way_out }.at(place)
        })?;
        let field = self.fields.known[index];
        match self.places[index].replace(place) {
            None => Ok(field),
            Some(first) => Err(FaultKind::SecondField { field, first: first.line }.at(place)),
        }
    }
}
