use super::{Credential, is_blank};
use crate::key::KeyFormat;

/// The form of the keys that a source carries.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// A text without this prefix is a credential of another kind, and counts as absent.
    pub(super) prefix: Option<&'a [u8]>,
    /// A text without this format is a malformed key.
    pub(super) format: Option<&'a KeyFormat>,
}

impl Expected<'_> {
    /// Reads the only text of a source.
    pub(super) fn read(self, text: &[u8], by_bearer: bool) -> Credential {
        if self.is_ours(text) {
            Credential::of(text, by_bearer, self.format)
        } else {
            Credential::Absent
        }
    }

    /// Reads the texts of a source. Several texts are ambiguous, unless none of them can be a key of this service.
    pub(super) fn read_one<T: AsRef<[u8]>>(self, texts: impl IntoIterator<Item = T>) -> Credential {
        let mut texts = texts.into_iter();
        let Some(first) = texts.next() else { return Credential::Absent };
        let Some(second) = texts.next() else { return self.read(first.as_ref(), false) };
        if [first, second].into_iter().chain(texts).any(|text| self.is_ours(text.as_ref())) {
            Credential::ambiguous(false)
        } else {
            Credential::Absent
        }
    }

    /// Returns whether a text contains a key, which it may if no prefix is known.
    pub(super) fn is_part_of(self, text: &[u8]) -> bool {
        self.prefix.is_none_or(|prefix| text.windows(prefix.len()).any(|part| part == prefix))
    }

    /// Returns whether a text is a key or blank: a caller that forgot its key must not become anonymous.
    pub(super) fn is_ours(self, text: &[u8]) -> bool {
        self.prefix.is_none_or(|prefix| text.starts_with(prefix)) || is_blank(text)
    }
}
