use std::collections::HashMap;

use unicase::UniCase;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// The names read from a file so far, by their folded form.
#[derive(Default)]
pub(super) struct Names(HashMap<String, (String, usize)>);

impl Names {
    /// Adds a name and returns the problem with it, if any. Each name is reported only once.
    pub(super) fn add(&mut self, name: &str, line: usize) -> Vec<String> {
        let folded = folded(name);
        let alike = match self.0.get(&folded) {
            Some((known, _)) if known == name => return Vec::new(),
            Some((_, line)) => Some(format!(
                "the name of this client differs from the one on line {line} only in case, \
                 normalization or joiners: use one spelling, or names that people can tell apart"
            )),
            None => None,
        };
        let is_new = alike.is_none();
        if is_new {
            self.0.insert(folded, (name.to_owned(), line));
        }
        let unnormalized = (!is_nfc(name)).then(|| {
            "the name of this client is not in Unicode normalization form C (NFC), so the same name \
             typed elsewhere may be a different client: write it in NFC"
                .to_owned()
        });
        unnormalized.into_iter().chain(alike).collect()
    }
}

/// Removes differences that are easy to overlook.
fn folded(name: &str) -> String {
    let without_joiners = name.chars().filter(|char| !matches!(char, '\u{200c}' | '\u{200d}'));
    let normalized = without_joiners.nfc().collect::<String>();
    UniCase::unicode(normalized).to_folded_case().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_found_once() {
        let mut names = Names::default();
        assert!(names.add("Größe", 1).is_empty());
        assert!(names.add("Größe", 2).is_empty());
        assert!(names.add("Grosse", 3).is_empty());
        for (name, expected) in [
            ("GRÖSSE", 1),
            ("gro\u{308}ße", 2),
            ("Gro\u{308}ße", 2),
            ("می\u{200c}خ", 0),
            ("میخ", 1),
        ] {
            assert_eq!(names.add(name, 4).len(), expected, "{name}");
        }
        let [unnormalized, alike] = &names.add("Gro\u{308}ße", 5)[..] else { panic!() };
        assert!(unnormalized.contains("form C") && alike.contains("line 1"), "{alike}");
    }
}
