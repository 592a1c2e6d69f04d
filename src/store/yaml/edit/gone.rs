use std::collections::{HashMap, HashSet};
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
    by_beginning: HashMap<[u8; BEGINNING], Vec<&'a str>>,
    weak: HashSet<&'a str>,
}

impl<'a> Gone<'a> {
    /// # Errors
    ///
    /// The line of a key that is noted behind itself, too.
    pub(super) fn new(text: &'a str, shorts: Vec<Short<'a>>) -> Result<Self, usize> {
        let mut by_beginning = HashMap::<_, Vec<_>>::new();
        let mut weak = HashSet::new();
        for key in shorts.iter().map(Short::key) {
            match key.as_bytes().first_chunk() {
                Some(beginning) => by_beginning.entry(*beginning).or_default().push(key),
                None => _ = weak.insert(key),
            }
        }
        let noted = shorts.iter().find(|short| short.is_noted_behind(text)).map(Short::place);
        let gone = Self { text, shorts, by_beginning, weak };
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
        if self.by_beginning.len() < FEW {
            let mut keys = self.by_beginning.values().flatten();
            return keys.find_map(|key| Some((text.find(key)?, *key)));
        }
        let windows = text.as_bytes().windows(BEGINNING).enumerate();
        let mut begun = windows.filter_map(|(place, window)| {
            let keys = self.by_beginning.get(window.first_chunk::<BEGINNING>()?)?;
            Some((place, keys))
        });
        begun.find_map(|(place, keys)| {
            let rest = &text.as_bytes()[place..];
            let key = keys.iter().find(|key| rest.starts_with(key.as_bytes()))?;
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
        self.text[..place].split('\n').count()
    }
}
