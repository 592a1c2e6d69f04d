use super::crc32;

/// The digits of base 62, in the order of GitHub's tokens.
pub(super) const DIGITS: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 62^43 is a little more than 2^256.
pub(super) const RANDOM_CHARS: usize = 43;

/// 62^6 is more than 2^32.
pub(super) const CHECKSUM_CHARS: usize = 6;

/// The maximum length of the prefix of a generated key, in characters.
pub const MAX_PREFIX_CHARS: usize = 16;

/// The default prefix of generated keys.
pub const DEFAULT_PREFIX: &str = "kg";

/// A regular expression with which secret scanners find generated keys with any prefix.
///
/// `\b` is a word boundary, as in PCRE, RE2 and most other dialects. Replace `[a-z][a-z0-9]{0,15}` with your prefix to
/// find only your keys; [`KeyFormat::matches`] verifies the checksum of a match.
pub const KEY_PATTERN: &str = r"[a-z][a-z0-9]{0,15}_[0-9A-Za-z]{49}\b";

/// The format of generated keys: `<prefix>_`, 43 random characters, and a checksum of 6 characters.
///
/// The prefix shows people and secret scanners which service a key belongs to. The random part is 43 characters of base
/// 62, with 256 bits from the operating system. The checksum is the CRC-32 (ISO-HDLC, as in zip) of everything before
/// it, in base 62. It detects mistyped and truncated keys without a lookup. It is not a secret: anyone can compute it.
///
/// With a prefix of up to 5 characters, a key has up to 55 bytes, which is one block of SHA-256; a longer key takes two.
///
/// ```
/// use keygate::key::KeyFormat;
///
/// let format = KeyFormat::new("acme")?;
/// let key = format.generate()?;
/// assert!(format.matches(key.expose().as_bytes()));
/// assert!(!format.matches(b"acme_0123"));
/// assert!(!KeyFormat::default().matches(key.expose().as_bytes()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFormat {
    prefix: Box<str>,
}

impl KeyFormat {
    /// Creates the format with a prefix of 1 to 16 characters `a` to `z` and `0` to `9`, beginning with a letter.
    ///
    /// # Errors
    ///
    /// The prefix breaks this rule.
    pub fn new(prefix: &str) -> Result<Self, InvalidPrefix> {
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_valid = prefix.len() <= MAX_PREFIX_CHARS
            && prefix.starts_with(|first: char| first.is_ascii_lowercase())
            && prefix.bytes().all(is_allowed);
        if is_valid { Ok(Self { prefix: prefix.into() }) } else { Err(InvalidPrefix) }
    }

    /// Returns the prefix, without the `_`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns whether a text has this format, including the checksum. It does not look up the key in a store.
    pub fn matches(&self, key: &[u8]) -> bool {
        let Some((before, checksum_of_key)) = key.split_last_chunk::<CHECKSUM_CHARS>() else {
            return false;
        };
        let random = before.strip_prefix(self.prefix.as_bytes());
        let random = random.and_then(|rest| rest.strip_prefix(b"_"));
        random.is_some_and(|random| {
            random.len() == RANDOM_CHARS && random.iter().all(u8::is_ascii_alphanumeric)
        }) && checksum(before) == *checksum_of_key
    }
}

impl Default for KeyFormat {
    /// Returns the format with [`DEFAULT_PREFIX`].
    fn default() -> Self {
        Self { prefix: DEFAULT_PREFIX.into() }
    }
}

/// Returns whether a text is a generated key, with any prefix.
pub(crate) fn is_generated_key(text: &str) -> bool {
    let prefix = text.split_once('_').map(|(prefix, _)| KeyFormat::new(prefix));
    matches!(prefix, Some(Ok(format)) if format.matches(text.as_bytes()))
}

pub(super) fn checksum(text: &[u8]) -> [u8; CHECKSUM_CHARS] {
    let mut rest = crc32::of(text);
    let mut digits = [0; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// Error for a prefix that is not 1 to 16 characters `a` to `z` and `0` to `9`, beginning with a letter.
///
/// It does not contain the text, which may be a key entered by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the prefix of a key must have 1 to {MAX_PREFIX_CHARS} characters from a-z and 0-9, and begin \
     with a letter"
)]
#[non_exhaustive]
pub struct InvalidPrefix;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::ApiKey;

    #[test]
    fn prefixes_follow_the_grammar() {
        for prefix in ["kg", "a", "acmelive", "a1234567890bcdef"] {
            assert_eq!(
                KeyFormat::new(prefix).map(|format| format.prefix().to_owned()),
                Ok(prefix.to_owned())
            );
        }
        for prefix in ["", "1a", "Acme", "ac_me", "ac-me", "é", "a1234567890bcdefg", "acme ", "_"]
        {
            assert_eq!(KeyFormat::new(prefix), Err(InvalidPrefix), "{prefix:?}");
        }
    }

    #[test]
    fn generated_keys_are_recognized() {
        for prefix in ["kg", "acmelive"] {
            assert!(is_generated_key(ApiKey::generate(prefix).unwrap().expose()));
        }
        for name in ["User 1", "kg_", "kg_0123", "_", "", "App_1"] {
            assert!(!is_generated_key(name), "{name}");
        }
    }

    #[test]
    fn checksum_is_crc_32_in_base_62_with_leading_zeros() {
        // The check value of CRC-32/ISO-HDLC: 0xcbf43926 is 3421780262.
        assert_eq!(crc32::of(b"123456789"), 0xcbf4_3926);
        let value = checksum(b"123456789").into_iter().fold(0_u64, |value, digit| {
            value * 62 + DIGITS.iter().position(|known| *known == digit).unwrap() as u64
        });
        assert_eq!(value, 0xcbf4_3926);
        assert_eq!(&checksum(b""), b"000000");
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_detected(index in 0_usize..55, other in "[0-9A-Za-z_]") {
            let format = KeyFormat::new("acme1").unwrap();
            let key = format.generate().unwrap();
            let mut text = key.expose().to_owned();
            prop_assume!(text[index..=index] != other);
            text.replace_range(index..=index, &other);
            prop_assert!(!format.matches(text.as_bytes()));
        }

        #[test]
        fn arbitrary_bytes_do_not_match(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!KeyFormat::default().matches(&bytes));
        }

        #[test]
        fn cut_and_lengthened_keys_do_not_match(cut in 0_usize..52, more in "[0-9A-Za-z]{1,8}") {
            let format = KeyFormat::default();
            let key = format.generate().unwrap();
            prop_assert!(format.matches(key.expose().as_bytes()));
            prop_assert!(!format.matches(&key.expose().as_bytes()[..cut]));
            let longer = key.expose().to_owned() + &more;
            prop_assert!(!format.matches(longer.as_bytes()));
        }
    }
}
