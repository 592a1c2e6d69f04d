/// Fewer digits than a digest, and more than the two ids of a rotation.
const DIGITS: usize = 40;

/// Returns whether a text contains so many consecutive hexadecimal digits that it must be a digest.
pub(super) fn shows_a_digest(text: &str) -> bool {
    text.split(|char: char| !char.is_ascii_hexdigit()).any(|run| run.len() >= DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyDigest;

    #[test]
    fn digests_are_detected_and_ids_are_not() {
        let digest = KeyDigest::of(b"key");
        assert!(shows_a_digest(&format!("duplicate row {}", digest.to_text())));
        assert!(shows_a_digest(&digest.to_text().to_uppercase()));
        assert!(!shows_a_digest(&format!("{0:?} {0:?} {0}", digest.key_id())));
        assert!(!shows_a_digest(""));
    }
}
