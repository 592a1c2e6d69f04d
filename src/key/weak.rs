use super::template::is_template;

/// The minimum length of a key in characters, unless `allow_weak_keys` is set.
///
/// Sixteen characters of base64 have 96 bits. Plain hashing requires at least 112 bits (OWASP ASVS 5.0 6.5.2; NIST SP
/// 800-63B-4 3.1.2.2), which 19 random letters and digits have; a shorter key in a key file causes a warning. Generated
/// keys have 256 bits.
pub const MIN_KEY_CHARS: usize = 16;

/// The minimum number of different characters of a key, unless `allow_weak_keys` is set.
const MIN_DISTINCT_CHARS: usize = 6;

/// Reason why a key could be guessed easily. Contains no text of the key.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::key::WeakKey;
/// use keygate::manage::KeyError;
///
/// let refused = |key| match MemoryStore::new().insert(key, "User 1") {
///     Err(KeyError::Weak(why)) => why,
///     other => panic!("{other:?}"),
/// };
/// assert_eq!(refused("hunter2"), WeakKey::Short);
/// assert_eq!(refused("${ACME_API_KEY}"), WeakKey::Template);
/// assert_eq!(refused("abababababababab"), WeakKey::FewCharacters);
/// assert_eq!(refused("1234567890123456"), WeakKey::Sequence);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakKey {
    /// The key is shorter than [`MIN_KEY_CHARS`].
    #[error("the key is shorter than {MIN_KEY_CHARS} characters and could be guessed")]
    Short,
    /// The key is a template such as `${KEY}` or `{{ key }}`, a reference such as `$env://KEY`, or a
    /// placeholder such as `<your-key>`.
    #[error("the key is a template or a reference, not a secret, and keygate does not fill it in")]
    Template,
    /// The key has fewer than 6 different characters.
    #[error(
        "the key has fewer than {MIN_DISTINCT_CHARS} different characters and could be guessed"
    )]
    FewCharacters,
    /// The key is a sequence of characters with a constant step of -1, 0 or 1.
    #[error("the key is a simple sequence of characters and could be guessed")]
    Sequence,
}

/// Suitability of a usable key for plain SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Weak(WeakKey),
    /// The key has less than the 112 bits that plain hashing requires (OWASP ASVS 5.0 6.5.2; NIST SP 800-63B-4
    /// 3.1.2.2).
    Low,
    Fair,
}

impl Strength {
    pub(crate) fn of(key: &[u8]) -> Self {
        match std::str::from_utf8(key) {
            Ok(text) if is_template(text) => Self::Weak(WeakKey::Template),
            Ok(text) => Self::of_chars(key, text.chars()),
            Err(_) => Self::of_chars(key, key.iter().copied().map(char::from)),
        }
    }

    fn of_chars(key: &[u8], chars: impl Iterator<Item = char> + Clone) -> Self {
        let count = chars.clone().count();
        if count < MIN_KEY_CHARS {
            Self::Weak(WeakKey::Short)
        } else if is_sequence(chars.clone()) {
            Self::Weak(WeakKey::Sequence)
        } else if has_few_chars(chars) {
            Self::Weak(WeakKey::FewCharacters)
        } else if count < chars_for_112_bits(key) {
            Self::Low
        } else {
            Self::Fair
        }
    }
}

/// Returns the number of random characters that have 112 bits, for the alphabet of this key.
fn chars_for_112_bits(key: &[u8]) -> usize {
    if key.iter().all(u8::is_ascii_digit) {
        34
    } else if key.iter().all(u8::is_ascii_hexdigit) {
        28
    } else {
        19
    }
}

fn has_few_chars(chars: impl Iterator<Item = char>) -> bool {
    let (mut seen, mut count) = (['\0'; MIN_DISTINCT_CHARS], 0);
    for char in chars {
        if !seen[..count].contains(&char) {
            seen[count] = char;
            count += 1;
        }
        if count == MIN_DISTINCT_CHARS {
            return false;
        }
    }
    true
}

/// Returns whether all characters have the same step of -1, 0 or 1, where 0 follows 9, and a follows z.
fn is_sequence(chars: impl Iterator<Item = char> + Clone) -> bool {
    let mut steps = chars.clone().zip(chars.skip(1)).map(|(char, next)| step(char, next));
    match steps.next() {
        Some(Some(first)) => steps.all(|step| step == Some(first)),
        _ => false,
    }
}

fn step(char: char, next: char) -> Option<i8> {
    match (char, next) {
        ('9', '0') | ('z', 'a') | ('Z', 'A') => Some(1),
        ('0', '9') | ('a', 'z') | ('A', 'Z') => Some(-1),
        _ => match i64::from(u32::from(next)) - i64::from(u32::from(char)) {
            -1 => Some(-1),
            0 => Some(0),
            1 => Some(1),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessable_texts_are_weak() {
        let cases = [
            ("${ACME_KEY}", WeakKey::Template),
            ("<your-key>", WeakKey::Template),
            ("aaaaaaaaaaaaaaaa", WeakKey::Sequence),
            ("1234567890123456", WeakKey::Sequence),
            ("9876543210987654", WeakKey::Sequence),
            ("abcdefghijklmnopqrstuvwxyzabcd", WeakKey::Sequence),
            ("dcbazyxwvutsrqponm", WeakKey::Sequence),
            ("OPQRSTUVWXYZABCDEF", WeakKey::Sequence),
            ("ababababababababababab", WeakKey::FewCharacters),
            ("1122334455112233445511", WeakKey::FewCharacters),
            ("ééééééééééééééüüüüüüüü", WeakKey::FewCharacters),
            ("hunter2", WeakKey::Short),
        ];
        for (key, why) in cases {
            assert_eq!(Strength::of(key.as_bytes()), Strength::Weak(why), "{key}");
        }
        assert_eq!(Strength::of(&[0xff; 20]), Strength::Weak(WeakKey::Sequence));
    }

    #[test]
    fn secrets_that_resemble_guessable_texts_are_accepted() {
        let keys = [
            "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA",
            "$2b$12$EXRkfkdmXn2gzds2SSitu.",
            "{5f4dcc3b5aa765d61d83}{27deb882cf99}",
            "acme:5f4dcc3b5aa765d61d8327deb882cf99",
            "12345678901234567809876543210987654",
            "aAbBcXaAbBcXaAbBcXaAbBcX",
            "k9${+Lw4}Tq#{7|x}Zr81",
            "Zm9vYmFy/+8=$%<QyYt",
            "abcdefghijklmnopqrstuvwxyz9",
        ];
        for key in keys {
            assert_eq!(Strength::of(key.as_bytes()), Strength::Fair, "{key}");
        }
    }

    #[test]
    fn keys_below_112_bits_are_low() {
        for (digit, least) in [("8Tq", 19), ("a07", 28), ("479", 34)] {
            // More than five different characters, and no constant step.
            let long = format!("{}{}", "13906258", digit.repeat(14));
            assert_eq!(Strength::of(&long.as_bytes()[..least - 1]), Strength::Low, "{digit}");
            assert_eq!(Strength::of(&long.as_bytes()[..least]), Strength::Fair, "{digit}");
        }
    }
}
