use std::collections::HashSet;

use keygate::key::KeyFormat;
use zxcvbn::zxcvbn;

/// The maximum length that the estimator can handle. Longer texts are estimated in parts.
const PART: usize = 18;

/// A key with this many random characters cannot be guessed, whatever else it contains.
const ENOUGH: usize = 2 * PART;

/// The maximum number of estimated parts per file. Each takes about a millisecond.
const MAX_ESTIMATES: usize = 1000;

/// Finds keys that consist of words and patterns, and are easy to guess.
#[derive(Default)]
pub(super) struct Guesser {
    estimates: usize,
    skipped: usize,
}

impl Guesser {
    /// The number of keys that were not checked, because the file has too many.
    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }

    /// Returns whether a key consists of words and patterns that are easy to guess.
    ///
    /// For random texts of length n, the estimator returns 10^(0.85 n) to 10^n guesses (measured on 6,000 texts). For
    /// words, it returns fewer than 10^(0.8 n).
    pub(super) fn is_guessable(&mut self, key: &str) -> bool {
        let chars = zeroize::Zeroizing::new(key.chars().collect::<Vec<_>>());
        if is_generated(key) || is_mixed(&chars) {
            return false;
        }
        if is_identifier(key) {
            return true;
        }
        let length = u16::try_from(chars.len().min(ENOUGH)).unwrap_or(u16::MAX);
        let enough = 0.8 * f64::from(length);
        let mut guesses = 0.0;
        for part in chars.chunks(PART) {
            if self.estimates == MAX_ESTIMATES {
                self.skipped += 1;
                return false;
            }
            self.estimates += 1;
            let part = zeroize::Zeroizing::new(part.iter().collect::<String>());
            guesses += zxcvbn(&part, &[]).guesses_log10();
            if guesses >= enough {
                return false;
            }
        }
        true
    }
}

fn is_generated(key: &str) -> bool {
    let format = key.split_once('_').and_then(|(prefix, _)| KeyFormat::new(prefix).ok());
    format.is_some_and(|format| format.matches(key.as_bytes()))
}

/// Returns whether a key consists of three or more words, as in `acme_api_key`. The estimator knows too few names to
/// recognize such keys. Words have vowels, which random letters often lack.
fn is_identifier(key: &str) -> bool {
    let words = key.split(|char: char| "_-./: ".contains(char));
    let is_word = |word: &str| {
        let rest = word.trim_start_matches(|char: char| char.is_ascii_uppercase());
        let has_vowel = word.contains(|char: char| "aeiouyAEIOUY".contains(char));
        let is_cased = rest.bytes().all(|byte| byte.is_ascii_lowercase())
            && (rest.is_empty() || word.len() <= rest.len() + 1);
        word.parse::<u16>().is_ok()
            || (is_cased && word.len() <= 12 && (word.len() < 4 || has_vowel))
    };
    words.clone().count() >= 3
        && words.clone().any(|word| word.len() >= 4)
        && words.clone().all(is_word)
}

/// Returns whether a long key mixes upper case, lower case and digits as only random texts do. This check saves the
/// estimate for nearly all random keys.
fn is_mixed(key: &[char]) -> bool {
    let kind = |char: char| (char.is_lowercase(), char.is_uppercase(), char.is_numeric());
    let changes = key.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let distinct = key.iter().collect::<HashSet<_>>().len();
    key.len() >= 32 && 2 * changes >= key.len() && 2 * distinct >= key.len().min(64)
}

#[cfg(test)]
mod tests {
    use keygate::{ApiKey, KeyDigest};

    use super::*;

    fn hexadecimal(number: u32) -> String {
        KeyDigest::of(&number.to_le_bytes()).to_text()["sha256:".len()..].to_owned()
    }

    #[test]
    fn words_and_patterns_are_guessable() {
        let keys = [
            "passwordpassword",
            "correct horse battery staple",
            "qwertyuiopasdfghjkl",
            "acme-production-api-key-2026",
            "acme_api_key_secret_value",
            "billing.service.api.key.prod",
            "AcmeBillingProductionApiKeyNumber1",
            "P4ssW0rdP4ssW0rdP4ssW0rdP4ssW0rd",
            "MySuperSecretApiKey123",
            "changeme-changeme-changeme",
        ];
        for key in keys {
            assert!(Guesser::default().is_guessable(key), "{key}");
        }
    }

    #[test]
    fn random_keys_are_not_guessable() {
        for number in 0..60_u32 {
            let key = ApiKey::generate("acme").unwrap();
            let hexadecimal = hexadecimal(number);
            for key in [&key.expose()[5..], &key.expose()[5..24], &hexadecimal[..32], &hexadecimal]
            {
                assert!(!Guesser::default().is_guessable(key), "{key}");
            }
            let after_words = format!("acme-production-billing-{}", &key.expose()[5..]);
            assert!(!Guesser::default().is_guessable(&after_words), "{after_words}");
        }
    }

    #[test]
    fn generated_and_mixed_keys_cost_few_estimates() {
        let (mut generated, mut mixed) = (Guesser::default(), Guesser::default());
        for _ in 0..2000 {
            let key = ApiKey::generate("acme").unwrap();
            assert!(!generated.is_guessable(key.expose()));
            assert!(!mixed.is_guessable(&key.expose()[5..48]));
        }
        assert_eq!((generated.estimates, mixed.skipped), (0, 0));
        assert!(mixed.estimates < 800, "{}", mixed.estimates);
    }

    #[test]
    fn estimates_are_bounded_and_skipped_keys_counted() {
        let mut guesser = Guesser { estimates: MAX_ESTIMATES - 3, skipped: 0 };
        for number in 0..5 {
            assert!(!guesser.is_guessable(&hexadecimal(number)));
        }
        assert_eq!((guesser.estimates, guesser.skipped()), (MAX_ESTIMATES, 4));
    }
}
