#[cfg(feature = "yaml")]
use super::Strength;
use crate::key::is_generated_key;

/// The minimum length of a word that looks like a key only because of its mix of characters.
const MIN_MIXED_CHARS: usize = 32;

/// The minimum length of a word that looks like a key if letters also follow digits, which is rare in names.
const MIN_RANDOM_CHARS: usize = 19;

/// Returns whether a text contains something that looks like a key: a generated key, or a word of at least 32
/// characters with lower case, upper case and digits. A word of 19 to 31 characters looks like a key if a letter
/// also follows a digit at least twice.
///
/// Call it before storing a name, a label or metadata, which are shown to people. It does not recognize shorter keys,
/// about a quarter of the random keys with 19 characters, and hexadecimal keys, which look like ids that many systems
/// use as names.
///
/// ```
/// use keygate::key::looks_like_key;
///
/// assert!(looks_like_key("key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU"));
/// assert!(!looks_like_key("Accounting, production"));
/// assert!(!looks_like_key("123e4567-e89b-12d3-a456-426614174000"));
/// ```
pub fn looks_like_key(text: &str) -> bool {
    let is_url = text.contains("://");
    let is_part = |char: char| {
        char.is_ascii_alphanumeric() || "_-+".contains(char) || (char == '/' && !is_url)
    };
    text.split(|char| !is_part(char)).any(|word| is_generated_key(word) || is_mixed(word))
}

fn is_mixed(word: &str) -> bool {
    let count = |kind: fn(&u8) -> bool| word.bytes().filter(kind).count();
    let digit_then_letter =
        |pair: &&[u8]| pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic();
    let alternations = word.as_bytes().windows(2).filter(digit_then_letter).count();
    (word.len() >= MIN_MIXED_CHARS || (word.len() >= MIN_RANDOM_CHARS && alternations >= 2))
        && count(u8::is_ascii_uppercase) > 0
        && count(u8::is_ascii_lowercase) > 0
        && count(u8::is_ascii_digit) > 0
}

/// Returns whether a key and the name of its client look swapped.
#[cfg(feature = "yaml")]
pub(crate) fn look_swapped(key: &[u8], client: &str) -> bool {
    std::str::from_utf8(key).is_ok_and(looks_like_name) && looks_random(client)
}

/// Returns whether a text consists of words, perhaps followed by a number.
#[cfg(feature = "yaml")]
fn looks_like_name(key: &str) -> bool {
    let words = key.trim_end_matches(|char: char| char.is_ascii_digit());
    key.contains(' ') || !words.contains(|char: char| char.is_ascii_digit())
}

/// Returns whether a text is one long word in which letters and digits alternate.
#[cfg(feature = "yaml")]
fn looks_random(name: &str) -> bool {
    let bytes = name.as_bytes();
    let alternates = |pair: &&[u8]| {
        pair.iter().all(u8::is_ascii_alphanumeric)
            && pair[0].is_ascii_digit() != pair[1].is_ascii_digit()
    };
    !name.contains(char::is_whitespace)
        && !matches!(Strength::of(bytes), Strength::Weak(_))
        && bytes.windows(2).filter(alternates).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiKey;

    #[test]
    fn keys_are_found_in_a_text() {
        let generated = ApiKey::generate("acme").unwrap();
        for text in [
            generated.expose(),
            "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU",
            "production (08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU=)",
            "x-api-key:08zEk8IC0le3I0kPwSF1g4XU9R5/gbpUq2vZkZ0pkQU",
            "p4K9fQ2xL7vT1sR8wZ3m",
            "production (08zEk8IC0le3I0kPwSF)",
        ] {
            assert!(looks_like_key(text), "{text}");
        }
        let names = [
            "",
            "App 1",
            "accounting-production-eu-west-1-node-07",
            "123e4567-e89b-12d3-a456-426614174000",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "123E4567-E89B-12D3-A456-426614174000",
            "Team1-Service2-Host3-Eu4",
            "AccountingService2026Eu",
            "2026-11-29T02:14:19.123456Z",
            "p4K9fQ2xL7vT1sR8wZ",
            "https://Docs.example/Teams/Accounting/Runbook2/KeyRotation",
        ];
        for name in names {
            assert!(!looks_like_key(name), "{name}");
        }
    }

    #[cfg(feature = "yaml")]
    #[test]
    fn swapped_key_and_name_are_recognized() {
        let key = "p4K9fQ2xL7vT1sR8wZ3m";
        for name in ["Accounting Service", "accounting-service-2", "AccountingService"] {
            assert!(look_swapped(name.as_bytes(), key), "{name}");
            assert!(!look_swapped(key.as_bytes(), name), "{name}");
        }
        assert!(!look_swapped(key.as_bytes(), "123e4567-e89b-12d3-a456-426614174000"));
        assert!(!look_swapped(b"correct-horse-battery", "accounting-service-2"));
    }
}
