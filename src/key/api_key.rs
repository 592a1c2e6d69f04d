use std::error::Error;
use std::fmt;

use zeroize::Zeroizing;

use crate::key::{KeyDigest, KeyId};

mod crc32;

/// The digits of base 62, in the order that GitHub's tokens use.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 62^43 is a little more than 2^256.
const RANDOM_CHARS: usize = 43;

/// 62^6 is more than 2^32.
const CHECKSUM_CHARS: usize = 6;

/// The longest prefix of a generated key, in characters.
pub const MAX_PREFIX_CHARS: usize = 16;

/// The prefix of generated keys where none is chosen.
pub const DEFAULT_PREFIX: &str = "kg";

/// A regular expression that finds generated keys of any prefix in a text, for secret scanners.
///
/// `\b` is the end of a word, as in PCRE, RE2 and most other dialects. Put your own prefix in the place of
/// `[a-z][a-z0-9]{0,15}` to find your keys alone; [`KeyFormat::matches`] then tells by the checksum
/// whether a finding is one.
pub const KEY_PATTERN: &str = r"[a-z][a-z0-9]{0,15}_[0-9A-Za-z]{49}\b";

/// The form of generated keys: `<prefix>_`, 43 random characters, and a checksum of 6.
///
/// The prefix says whose key it is, to people and to secret scanners. The random part is 43
/// characters of base 62, which is 256 bits from the operating system. The checksum is CRC-32 (of
/// ISO-HDLC, as in zip) over all that stands before it, in base 62; it tells mistyped and cut keys
/// from others without asking anybody. It is no secret: anybody can make a text that matches.
///
/// With a prefix of up to 5 characters the key has up to 55 bytes, which is one block of SHA-256; a
/// longer one costs a second.
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
    /// The form with this prefix: 1 to 16 of `a` to `z` and `0` to `9`, the first of them a letter.
    ///
    /// # Errors
    ///
    /// Any other prefix.
    pub fn new(prefix: &str) -> Result<Self, InvalidPrefix> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let well_formed = prefix.len() <= MAX_PREFIX_CHARS
            && prefix.starts_with(|first: char| first.is_ascii_lowercase())
            && prefix.bytes().all(fits);
        if well_formed { Ok(Self { prefix: prefix.into() }) } else { Err(InvalidPrefix) }
    }

    /// What stands before the `_`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Makes a key of 256 bits from the operating system's random numbers.
    ///
    /// # Errors
    ///
    /// The operating system has none to give.
    pub fn generate(&self) -> Result<ApiKey, GenerateError> {
        let length = self.prefix.len() + 1 + RANDOM_CHARS + CHECKSUM_CHARS;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(&self.prefix);
        text.push('_');
        push_random(&mut text)?;
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Ok(ApiKey(text))
    }

    /// Whether a text has this form, checksum included. It says nothing about whether any store knows
    /// the key.
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
    /// The form with [`DEFAULT_PREFIX`].
    fn default() -> Self {
        Self { prefix: DEFAULT_PREFIX.into() }
    }
}

/// Appends the random characters, each as likely as any other.
fn push_random(text: &mut String) -> Result<(), GenerateError> {
    // 248 is the largest multiple of 62 in a byte: what is not below it would favour some digits.
    const FAIR: u8 = 248;
    let end = text.len() + RANDOM_CHARS;
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < end {
        getrandom::fill(&mut *bytes).map_err(|error| GenerateError::NoRandom(error.into()))?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        let digits = fair.map(|byte| char::from(DIGITS[usize::from(byte % 62)]));
        text.extend(digits.take(end - text.len()));
    }
    Ok(())
}

/// Whether a text is a generated key, of whatever prefix.
pub(crate) fn is_key(text: &str) -> bool {
    let prefix = text.split_once('_').map(|(prefix, _)| KeyFormat::new(prefix));
    matches!(prefix, Some(Ok(format)) if format.matches(text.as_bytes()))
}

fn checksum(text: &[u8]) -> [u8; CHECKSUM_CHARS] {
    let mut rest = crc32::of(text);
    let mut digits = [0; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// A newly generated key: the only thing in this crate that holds the text of one.
///
/// The text is overwritten in memory when the key is dropped. Neither `Display` nor `Debug` shows it:
/// hand it over through [`ApiKey::expose`], once, and give a store its digest.
///
/// ```
/// use keygate::{ApiKey, MemoryStore, NewKey};
///
/// let store = MemoryStore::new();
/// store.add_client("App 1")?;
/// let key = ApiKey::generate("acme")?;
/// println!("{}", key.expose());
/// let issued = store.issue("App 1", NewKey::from(&key).with_label("production"))?;
/// assert_eq!(issued.key_id, key.key_id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Makes a key with this prefix; see [`KeyFormat`] for its form.
    ///
    /// # Errors
    ///
    /// A prefix that cannot be one, or an operating system without random numbers.
    pub fn generate(prefix: &str) -> Result<Self, GenerateError> {
        KeyFormat::new(prefix)?.generate()
    }

    /// The text of the key, for the one to whom it is given.
    ///
    /// Copies of it are overwritten by nobody.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a store keeps of the key.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.0.as_bytes())
    }

    /// The public handle of the key.
    pub fn key_id(&self) -> KeyId {
        self.digest().key_id()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, not shown)", self.key_id())
    }
}

/// The prefix of a key is not 1 to 16 of `a` to `z` and `0` to `9` that begin with a letter.
///
/// It does not hold what was given, which may be a key by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the prefix of a key has 1 to {MAX_PREFIX_CHARS} characters of a-z and 0-9, and begins with a letter"
)]
#[non_exhaustive]
pub struct InvalidPrefix;

/// Why no key was generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The prefix cannot be one.
    #[error(transparent)]
    Prefix(#[from] InvalidPrefix),
    /// The operating system has no random numbers to give.
    #[error("the operating system gave no random numbers ({0}): no key was made")]
    NoRandom(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_follow_the_rule() {
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
    fn generated_keys_are_told_from_names() {
        for prefix in ["kg", "acmelive"] {
            assert!(is_key(ApiKey::generate(prefix).unwrap().expose()));
        }
        for name in ["User 1", "kg_", "kg_0123", "_", "", "App_1"] {
            assert!(!is_key(name), "{name}");
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

    #[test]
    fn every_digit_is_drawn_about_as_often_as_any_other() {
        let mut counts = [0_u32; 62];
        for _ in 0..2_000 {
            let mut text = String::new();
            push_random(&mut text).unwrap();
            assert_eq!(text.len(), RANDOM_CHARS);
            for byte in text.bytes() {
                counts[DIGITS.iter().position(|digit| *digit == byte).unwrap()] += 1;
            }
        }
        // 86,000 draws are 1,387 of each digit, with a standard deviation of 37; a digit that the
        // remainder favoured would be drawn 1,680 times.
        assert!(counts.iter().all(|count| (1_140..1_640).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_seen(place in 0_usize..55, other in "[0-9A-Za-z_]") {
            let format = KeyFormat::new("acme1").unwrap();
            let key = format.generate().unwrap();
            let mut text = key.expose().to_owned();
            prop_assume!(text[place..=place] != other);
            text.replace_range(place..=place, &other);
            prop_assert!(!format.matches(text.as_bytes()));
        }

        #[test]
        fn any_bytes_may_be_asked_about(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
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
