use super::invisible::{self, InvisibleChar};
use super::weak::Strength;

/// The longest key that is hashed, in bytes. A longer one is refused before any work is done.
///
/// The cap is the one that Unkey and api-keys-simplified chose; the longest keys in use (JSON web
/// tokens aside) are far below it.
pub const MAX_KEY_BYTES: usize = 512;

/// The shortest key that a store takes without `allow_weak_keys`, in characters.
///
/// Sixteen characters of base64 hold 96 bits. Plain hashing is right from 112 bits on (OWASP ASVS 5.0
/// 6.5.2; NIST SP 800-63B-4 3.1.2.2), which 19 random letters and digits hold: a key file warns of shorter
/// keys. Generated keys hold 256.
pub const MIN_KEY_CHARS: usize = 16;

/// Why a text can never be a key: no request could present it, or nobody could mean it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableKey {
    /// There is no text, or only blanks.
    #[error("the key is empty")]
    Empty,
    /// The key is longer than [`MAX_KEY_BYTES`].
    #[error("the key is longer than {MAX_KEY_BYTES} bytes")]
    TooLong,
    /// There is a control character or a line end in the key (RFC 9110 section 5.5).
    #[error("the key holds a control character or a line end, which no header can carry")]
    Control,
    /// The key has a character that people cannot see, or a blank other than U+0020.
    #[error("the key holds {0}, which people cannot see and no client sends")]
    Invisible(InvisibleChar),
    /// The key begins or ends with a blank, which every HTTP parser removes (RFC 9110 section 5.5).
    #[error("the key begins or ends with a blank, which no header can carry")]
    OuterBlank,
}

/// The one rule for key texts, asked by every loader.
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
    if let Some(found) = std::str::from_utf8(key).ok().and_then(invisible::in_key) {
        return Err(UnusableKey::Invisible(found));
    }
    Ok(Strength::of(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::WeakKey;

    #[test]
    fn keys_that_no_request_could_present_are_unusable() {
        let long = "k".repeat(MAX_KEY_BYTES + 1);
        let no_break = InvisibleChar { character: '\u{a0}', position: 5 };
        let bom = InvisibleChar { character: '\u{feff}', position: 1 };
        let cases: [(&[u8], UnusableKey); 11] = [
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
