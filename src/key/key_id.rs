use std::fmt;
use std::str::FromStr;

/// The public handle of a known key: the first 16 hexadecimal digits of its digest.
///
/// Logs, lists and commands show it: it identifies a key and does not help to guess it. Ids are unique in a store.
/// Only known keys have an id, since an unknown key may be a password: [`NewKey::key_id`](crate::NewKey::key_id) and
/// [`KeyRecord::key_id`](crate::KeyRecord::key_id) return one, and [`KeyDigest`](crate::KeyDigest) has no such method.
///
/// ```
/// use keygate::{KeyId, MemoryStore};
///
/// let store = MemoryStore::new();
/// let id = store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// assert_eq!(id.to_string().parse::<KeyId>(), Ok(id));
/// # Ok::<(), keygate::manage::KeyError>(())
/// ```
///
/// ```compile_fail,E0624
/// # use keygate::KeyDigest;
/// KeyDigest::of(b"somebody's password").key_id();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(super) u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl KeyId {
    pub(crate) fn prefix(self) -> u64 {
        self.0
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    /// Parses the 16 hexadecimal digits that `Display` writes, in either case.
    ///
    /// # Errors
    ///
    /// Any other text. The error does not contain it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text.as_bytes()).map(Self).ok_or(ParseKeyIdError)
    }
}

/// Error for a text that is not a [`KeyId`]. Does not contain the text, which may be a key entered by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key id has 16 hexadecimal digits")]
#[non_exhaustive]
pub struct ParseKeyIdError;

/// Parses exactly 16 hexadecimal digits. `u64::from_str_radix` alone would accept a sign.
pub(super) fn parse_hex(digits: &[u8]) -> Option<u64> {
    if digits.len() != 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_ids_are_refused() {
        for text in ["", "0", "+000000000000000", "00000000000000000", "000000000000000g"] {
            assert_eq!(text.parse::<KeyId>(), Err(ParseKeyIdError), "{text}");
        }
    }
}
