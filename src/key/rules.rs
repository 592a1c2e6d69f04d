use super::digest::KeyDigest;
use super::invisible::{self, InvisibleChar};
use super::weak::Strength;

/// The maximum length of a key in bytes. A longer key is refused before it is hashed.
///
/// Apart from JSON Web Tokens, keys in practice are far shorter. Unkey and api-keys-simplified have the same limit.
pub const MAX_KEY_BYTES: usize = 512;

/// Reason why a text cannot be a key: no request could present it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableKey {
    /// The key is empty or blank.
    #[error("the key is empty")]
    Empty,
    /// The key is longer than [`MAX_KEY_BYTES`].
    #[error("the key is longer than {MAX_KEY_BYTES} bytes")]
    TooLong,
    /// The key has a control character or a line end (RFC 9110 section 5.5).
    #[error("the key contains a control character or a line end, which no header can carry")]
    Control,
    /// The key has an invisible character, or a blank other than U+0020.
    #[error("the key contains {0}, which is invisible and which no client sends")]
    Invisible(InvisibleChar),
    /// The key begins or ends with a blank, which every HTTP parser removes (RFC 9110 section 5.5).
    #[error("the key begins or ends with a blank, which no header can carry")]
    OuterBlank,
    /// The text is a digest. As a key, it would admit anyone who knows the digest.
    #[error(
        "this is the digest of a key and not a key, and belongs in the `digest` of a key below `clients`"
    )]
    Digest,
}

/// Checks the text of a key. Every loader calls it.
pub(crate) fn check(key: &[u8]) -> Result<Strength, UnusableKey> {
    if key.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(UnusableKey::Empty);
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(UnusableKey::TooLong);
    }
    if key.iter().any(u8::is_ascii_control) {
        return Err(UnusableKey::Control);
    }
    if key.starts_with(b" ") || key.ends_with(b" ") {
        return Err(UnusableKey::OuterBlank);
    }
    if let Ok(text) = std::str::from_utf8(key) {
        if let Some(found) = invisible::in_key(text) {
            return Err(UnusableKey::Invisible(found));
        }
        if text.parse::<KeyDigest>().is_ok() {
            return Err(UnusableKey::Digest);
        }
    }
    Ok(Strength::of(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::WeakKey;

    #[test]
    fn keys_that_no_request_can_carry_are_unusable() {
        let long = "k".repeat(MAX_KEY_BYTES + 1);
        let no_break = InvisibleChar { character: '\u{a0}', position: 5 };
        let bom = InvisibleChar { character: '\u{feff}', position: 1 };
        let digest = KeyDigest::of(b"x").to_text();
        let cases: [(&[u8], UnusableKey); 12] = [
            (b"", UnusableKey::Empty),
            (b" \t ", UnusableKey::Empty),
            (long.as_bytes(), UnusableKey::TooLong),
            (b"key with a line end\n", UnusableKey::Control),
            (b"key with\ta tab in it", UnusableKey::Control),
            (b"key with a null \0 in it", UnusableKey::Control),
            (b"key with a delete \x7f", UnusableKey::Control),
            (b" key after a blank", UnusableKey::OuterBlank),
            (b"key before a blank ", UnusableKey::OuterBlank),
            ("key,\u{a0}then a no-break space".as_bytes(), UnusableKey::Invisible(no_break)),
            ("\u{feff}key behind a mark".as_bytes(), UnusableKey::Invisible(bom)),
            (digest.as_bytes(), UnusableKey::Digest),
        ];
        for (key, reason) in cases {
            assert_eq!(check(key), Err(reason), "{}", key.escape_ascii());
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(check(b"fifteen chars.."), Ok(Strength::Weak(WeakKey::Short)));
        assert_eq!(check(b"sixteen chars..."), Ok(Strength::Low));
        assert_eq!(check("éèêëēĕėęěeéèêëē".as_bytes()), Ok(Strength::Weak(WeakKey::Short)));
        assert_eq!(check("key 01 ".repeat(73).trim_end().as_bytes()), Ok(Strength::Fair));
        assert_eq!(check(b"nineteen bytes \xff\xfe\xfd\xfc"), Ok(Strength::Fair));
    }
}
