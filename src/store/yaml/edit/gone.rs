use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::remove::Short;
use crate::key::MIN_KEY_CHARS;

/// So many bytes of two keys do not agree by chance.
const BEGINNING: usize = MIN_KEY_CHARS;

/// Fewer keys than this are looked for one by one.
const FEW: usize = 4;

/// The keys in clear that are taken out of a file, of which none may be left anywhere in it.
///
/// Weak ones may be words like any other, and are looked for in comments alone.
pub(super) struct Gone<'a> {
    text: &'a str,
    shorts: Vec<Short<'a>>,
    long: HashSet<&'a str>,
    /// How long those are that begin so: many may have the same beginning.
    lengths: HashMap<[u8; BEGINNING], BTreeSet<usize>>,
    weak: HashSet<&'a str>,
}

impl<'a> Gone<'a> {
    /// # Errors
    ///
    /// The line of a key that is noted behind itself, too.
    pub(super) fn new(text: &'a str, shorts: Vec<Short<'a>>) -> Result<Self, usize> {
        let mut lengths = HashMap::<_, BTreeSet<_>>::new();
        let (mut long, mut weak) = (HashSet::new(), HashSet::new());
        for key in shorts.iter().map(Short::key) {
            match key.as_bytes().first_chunk() {
                Some(beginning) => {
                    lengths.entry(*beginning).or_default().insert(key.len());
                    long.insert(key);
                }
                None => _ = weak.insert(key),
            }
        }
        let noted = shorts.iter().find(|short| short.is_noted_behind(text)).map(Short::place);
        let gone = Self { text, shorts, long, lengths, weak };
        noted.map_or(Ok(()), |place| Err(gone.line(place))).map(|()| gone)
    }

    /// Looks through a part of the file that stays.
    ///
    /// # Errors
    ///
    /// The line on which one of the keys stands.
    pub(super) fn none_in_kept(&self, kept: Range<usize>) -> Result<(), usize> {
        let part = &self.text[kept.clone()];
        let found = self.find(part).map(|(place, _)| place).or_else(|| self.find_weak(part));
        found.map_or(Ok(()), |place| Err(self.line(kept.start + place)))
    }

    /// Looks through what is put in, where names and comments come from the lines that go.
    ///
    /// # Errors
    ///
    /// As before.
    pub(super) fn none_in_new(&self, put: &str) -> Result<(), usize> {
        let Some((_, key)) = self.find(put) else { return Ok(()) };
        let holds_it_too = |short: &&Short<'_>| {
            let range = short.range();
            let end =
                self.text[range.end..].find('\n').map_or(self.text.len(), |at| range.end + at);
            let found = self.text[range.start..end].matches(key).count();
            found > usize::from(short.key() == key)
        };
        let short = self.shorts.iter().find(holds_it_too).or(self.shorts.first());
        Err(short.map_or(1, |short| self.line(short.place())))
    }

    fn find(&self, text: &str) -> Option<(usize, &'a str)> {
        if self.long.len() < FEW {
            return self.long.iter().find_map(|key| Some((text.find(key)?, *key)));
        }
        let windows = text.as_bytes().windows(BEGINNING).enumerate();
        let mut begun = windows.filter_map(|(place, window)| {
            let lengths = self.lengths.get(window.first_chunk::<BEGINNING>()?)?;
            Some((place, lengths))
        });
        begun.find_map(|(place, lengths)| {
            let parts = lengths.iter().filter_map(|length| text.get(place..place + length));
            let key = parts.into_iter().find_map(|part| self.long.get(part))?;
            Some((place, *key))
        })
    }

    fn find_weak(&self, text: &str) -> Option<usize> {
        if self.weak.is_empty() {
            return None;
        }
        let is_outside = |char: char| char.is_whitespace() || "\"'`,;:#()[]{}<>".contains(char);
        let comments = text.lines().filter_map(|line| line.split_once('#'));
        let mut words = comments.flat_map(|(_, comment)| comment.split(is_outside));
        let word = words.find(|word| self.weak.contains(word))?;
        Some(word.as_ptr().addr() - text.as_ptr().addr())
    }

    fn line(&self, place: usize) -> usize {
        super::line(self.text, place)
    }
}
