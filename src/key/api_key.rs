use std::error::Error;
use std::fmt;

use zeroize::Zeroizing;

use super::format::{CHECKSUM_CHARS, DIGITS, InvalidPrefix, KeyFormat, RANDOM_CHARS, checksum};
use crate::key::{KeyDigest, KeyId};

/// A newly generated key. No other type of this crate owns the text of a key.
///
/// The text is overwritten in memory when the key is dropped. There is no `Display`, and `Debug` does not show the
/// text: pass it to the client once, with [`ApiKey::expose`], and add the digest to a store.
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
    /// Generates a key with this prefix, in the format of [`KeyFormat`].
    ///
    /// # Errors
    ///
    /// The prefix is invalid, or the operating system returns no random numbers.
    pub fn generate(prefix: &str) -> Result<Self, GenerateError> {
        KeyFormat::new(prefix)?.generate()
    }

    /// Returns the text of the key.
    ///
    /// Copies of the text are not overwritten in memory.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest of the key, which a store keeps.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.0.as_bytes())
    }

    /// Returns the public handle of the key.
    pub fn key_id(&self) -> KeyId {
        self.digest().key_id()
    }
}

impl KeyFormat {
    /// Generates a key with 256 bits from the random number generator of the operating system.
    ///
    /// # Errors
    ///
    /// The operating system returns no random numbers.
    pub fn generate(&self) -> Result<ApiKey, GenerateError> {
        let length = self.prefix().len() + 1 + RANDOM_CHARS + CHECKSUM_CHARS;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(self.prefix());
        text.push('_');
        push_random(&mut text)?;
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Ok(ApiKey(text))
    }
}

/// Appends uniformly distributed random characters.
fn push_random(text: &mut String) -> Result<(), GenerateError> {
    // The largest multiple of 62 that fits in a byte. Larger bytes would make some digits more likely.
    const LIMIT: u8 = 248;
    let end = text.len() + RANDOM_CHARS;
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < end {
        getrandom::fill(&mut *bytes).map_err(|error| GenerateError::NoRandom(error.into()))?;
        let uniform = bytes.iter().filter(|byte| **byte < LIMIT);
        let digits = uniform.map(|byte| char::from(DIGITS[usize::from(byte % 62)]));
        text.extend(digits.take(end - text.len()));
    }
    Ok(())
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, not shown)", self.key_id())
    }
}

/// Reason why no key was generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The prefix is invalid.
    #[error(transparent)]
    Prefix(#[from] InvalidPrefix),
    /// The operating system returned no random numbers.
    #[error("the operating system returned no random numbers ({0}): no key was generated")]
    NoRandom(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_digits_are_uniformly_distributed() {
        let mut counts = [0_u32; 62];
        for _ in 0..2_000 {
            let mut text = String::new();
            push_random(&mut text).unwrap();
            assert_eq!(text.len(), RANDOM_CHARS);
            for byte in text.bytes() {
                counts[DIGITS.iter().position(|digit| *digit == byte).unwrap()] += 1;
            }
        }
        // 86,000 digits contain each digit 1,387 times on average, with a standard deviation of 37; bias from the
        // remainder would give 1,680.
        assert!(counts.iter().all(|count| (1_140..1_640).contains(count)), "{counts:?}");
    }
}
