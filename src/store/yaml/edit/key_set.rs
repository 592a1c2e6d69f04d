use crate::key::MIN_KEY_CHARS;

/// The shortest key that is searched as a substring; shorter ones are searched as whole words.
pub(super) const PREFIX_BYTES: usize = MIN_KEY_CHARS;

/// Returns whether a comment contains a key.
pub(super) fn contains_key(comment: &str, key: &str) -> bool {
    if key.len() >= PREFIX_BYTES {
        return comment.contains(key);
    }
    KeySet::new(vec![key]).find_word(comment).is_some()
}

/// Keys in byte order. The keys that are a prefix of a text precede it in this order, each a prefix of the next.
pub(super) struct KeySet<'a> {
    sorted: Vec<&'a str>,
    /// For each key, the index of the longest other key that is a prefix of it.
    prefixes: Vec<Option<usize>>,
}

impl<'a> KeySet<'a> {
    pub(super) fn new(mut sorted: Vec<&'a str>) -> Self {
        sorted.sort_unstable();
        sorted.dedup();
        let (mut prefixes, mut open) = (Vec::with_capacity(sorted.len()), Vec::<usize>::new());
        for (index, key) in sorted.iter().enumerate() {
            while open.pop_if(|last| !key.starts_with(sorted[*last])).is_some() {}
            prefixes.push(open.last().copied());
            open.push(index);
        }
        Self { sorted, prefixes }
    }

    /// Returns the keys that are a prefix of a text, the longest first.
    pub(super) fn prefixes_of(&self, text: &[u8]) -> impl Iterator<Item = &'a str> {
        let last = self.sorted.partition_point(|key| key.as_bytes() <= text).checked_sub(1);
        let last_key = last.map_or("", |last| self.sorted[last]).as_bytes();
        let common = last_key.iter().zip(text).take_while(|(byte, other)| byte == other).count();
        let chain = std::iter::successors(last, |index| self.prefixes[*index]);
        chain.map(|index| self.sorted[index]).filter(move |key| key.len() <= common)
    }

    /// Finds the first key that is a whole word of a text, with no letter or digit next to it.
    pub(super) fn find_word(&self, text: &str) -> Option<(usize, &'a str)> {
        let mut previous = None;
        text.char_indices().find_map(|(offset, char)| {
            let before = previous.replace(char);
            let rest = &text[offset..];
            let is_boundary = |outside: Option<char>, inside: Option<char>| {
                let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
                !is_letter(outside) || !is_letter(inside)
            };
            let at_start = is_boundary(before, Some(char));
            at_start.then(|| self.prefixes_of(rest.as_bytes()))?.find_map(|key| {
                let after = rest[key.len()..].chars().next();
                is_boundary(after, key.chars().next_back()).then_some((offset, key))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_only_at_word_boundaries() {
        let keys = KeySet::new(vec!["hunter2", "hunter", "7", "a.a", "-x"]);
        let found = |text| keys.find_word(text);
        for text in ["x=hunter2", "/hunter2/", "|hunter2|", "was.hunter2.", "hunter2", "_hunter2_"]
        {
            assert_eq!(found(text).map(|(_, key)| key), Some("hunter2"), "{text}");
        }
        for text in ["", "hunter22", "xhunter2", "hunters", "2027", "éhunter2", "xa.a"] {
            assert_eq!(found(text), None, "{text}");
        }
        assert_eq!(found("hunter2x hunter-2"), Some((9, "hunter")));
        assert_eq!(found("xa.a.a"), Some((3, "a.a")));
        assert_eq!(found("ab-x"), Some((2, "-x")));
    }

    #[test]
    fn all_keys_that_are_a_prefix_are_found() {
        let keys = KeySet::new(vec!["ab", "a", "abx", "b", "abcde", "abc"]);
        let found = |text: &str| keys.prefixes_of(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("abcdx"), ["abc", "ab", "a"]);
        assert_eq!(found("abcde"), ["abcde", "abc", "ab", "a"]);
        assert_eq!(found("ac"), ["a"]);
        assert_eq!(found("c"), [""; 0]);
        assert_eq!(found("A"), [""; 0]);
    }
}
