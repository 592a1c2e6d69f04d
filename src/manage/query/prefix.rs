use std::fmt;

/// The prefix of a search, which is not empty, with the letters A to Z in lower case.
///
/// Only these letters are folded: databases and the standard library agree on them, whatever the language.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Prefix(String);

impl Prefix {
    /// Returns `None` for an empty text, with which all texts begin.
    pub(super) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_ascii_lowercase()))
    }

    pub(super) fn begins(&self, text: &str) -> bool {
        let beginning = text.as_bytes().get(..self.0.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(self.0.as_bytes()))
    }

    /// Returns the first text with this prefix, and the first text after all with this prefix; `None` if there is none.
    /// Both are in lower case, and compared byte by byte.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn range(&self) -> (&str, Option<String>) {
        let last = self.0.char_indices().rev().find_map(|(index, char)| {
            let next = (char..=char::MAX).nth(1)?;
            Some(format!("{}{next}", &self.0[..index]))
        });
        (&self.0, last)
    }
}

/// Does not show the text: someone may search for a key.
impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prefix(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ascii_letters_ignore_case() {
        let begins = |prefix: &str, text| Prefix::new(prefix).unwrap().begins(text);
        for text in ["App 1", "APP", "app-é"] {
            assert!(begins("aPp", text), "{text}");
        }
        for text in ["", "ap", "an App", "äpp"] {
            assert!(!begins("App", text), "{text}");
        }
        assert!(begins("é", "été") && !begins("É", "été"));
        assert!(!begins("\u{e9}", "\u{ea}"));
        assert_eq!(Prefix::new(""), None);
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[test]
    fn range_ends_after_the_last_text_with_the_prefix() {
        let end = |prefix: &str| Prefix::new(prefix).unwrap().range().1;
        assert_eq!(end("Ab").as_deref(), Some("ac"));
        assert_eq!(end("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(end("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(end("\u{10ffff}"), None);
    }
}
