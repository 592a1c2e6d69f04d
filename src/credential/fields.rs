use http::{HeaderMap, HeaderName, HeaderValue};

/// There is more than one field line where only one can be meant.
pub(crate) struct SeveralLines;

/// The header fields of a request, as the sources read them.
pub(crate) trait Fields {
    /// The one line of this field, if there is one.
    fn only(&mut self, name: &HeaderName) -> Option<Result<&HeaderValue, SeveralLines>>;

    /// All lines of this field.
    fn all(&mut self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue>;
}

/// Reads the fields and leaves them as they are.
impl Fields for &HeaderMap {
    #[inline]
    fn only(&mut self, name: &HeaderName) -> Option<Result<&HeaderValue, SeveralLines>> {
        let value = self.get(name)?;
        Some(if has_several(self, name) { Err(SeveralLines) } else { Ok(value) })
    }

    fn all(&mut self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        self.get_all(name).iter()
    }
}

/// Reads the fields and marks what it reads as sensitive, in place: a second look-up of the field,
/// just to mark it, costs 15 ns.
impl Fields for &mut HeaderMap {
    #[inline]
    fn only(&mut self, name: &HeaderName) -> Option<Result<&HeaderValue, SeveralLines>> {
        if has_several(self, name) {
            redact(self, name);
            return Some(Err(SeveralLines));
        }
        let value = self.get_mut(name)?;
        value.set_sensitive(true);
        Some(Ok(value))
    }

    fn all(&mut self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        redact(self, name);
        self.get_all(name).iter()
    }
}

/// Most requests have no field of several lines at all, which the two lengths tell without a search.
#[inline]
fn has_several(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.len() != headers.keys_len() && headers.get_all(name).iter().nth(1).is_some()
}

pub(crate) fn redact(headers: &mut HeaderMap, name: &HeaderName) {
    if let http::header::Entry::Occupied(mut entry) = headers.entry(name) {
        for value in entry.iter_mut() {
            value.set_sensitive(true);
        }
    }
}
