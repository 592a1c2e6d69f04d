/// Brackets of templates, with any text between them.
const BRACKETS: [(&str, &str); 6] =
    [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("[[", "]]"), ("((", "))"), ("ENC[", "]")];

/// Brackets of templates, with only words between them: other text may be a random key.
const BRACKETS_OF_WORDS: [(&str, &str); 3] = [("${", "}"), ("$(", ")"), ("#{", "}")];

/// Prefixes and suffixes of names in templates.
const MARKS: [(&str, &str); 5] = [("$", ""), ("%", "%"), ("@", "@"), ("__", "__"), ("{", "}")];

const REFERENCES: [&str; 7] =
    ["env:", "$env:", "vault:", "ssm:", "arn:", "process.env.", "os.environ"];

/// Returns whether a text is an unfilled template or a reference, as for shells, Helm, Jinja, Compose, Azure Pipelines
/// and secret managers.
pub(super) fn is_template(text: &str) -> bool {
    // A fast path, since most keys have no other characters.
    let is_base64url = text.bytes().all(|byte| is_word_byte(byte) || byte == b'-');
    is_placeholder(text)
        || (!is_base64url && (is_filled_in(text) || is_reference(text) || is_tagged(text)))
}

fn is_placeholder(text: &str) -> bool {
    let is_to_do = |rest: &str| rest.starts_with(['-', '_', ' ', ':']);
    MARKS.iter().any(|(open, close)| enclosed(text, open, close).is_some_and(is_name))
        || (["TODO", "FIXME"].iter().any(|word| text.strip_prefix(word).is_some_and(is_to_do))
            && is_name(text))
}

fn is_filled_in(text: &str) -> bool {
    let inner = |(open, close): &(&str, &str)| {
        let (_, rest) = text.split_once(open)?;
        rest.split_once(close).map(|(inner, _)| inner)
    };
    let is_words =
        |inner: &str| inner.bytes().all(|byte| is_word_byte(byte) || b" -.:/".contains(&byte));
    BRACKETS.iter().any(|bracket| inner(bracket).is_some())
        || BRACKETS_OF_WORDS.iter().any(|bracket| inner(bracket).is_some_and(is_words))
        || enclosed(text, "<", ">").is_some()
}

/// Returns whether a text refers to a secret elsewhere, such as `op://vault/acme` or `env:ACME_KEY`.
fn is_reference(text: &str) -> bool {
    REFERENCES.iter().any(|start| text.starts_with(start))
        || text.split_once("://").is_some_and(|(before, _)| {
            let scheme = before.rsplit(['(', '=', '$']).next().unwrap_or_default();
            !scheme.is_empty()
                && scheme.bytes().all(|byte| is_word_byte(byte) || b"+.-".contains(&byte))
        })
}

/// Returns whether a text is a YAML tag and one word, such as `!vault secret/acme`.
fn is_tagged(text: &str) -> bool {
    text.strip_prefix('!').and_then(|rest| rest.split_once(' ')).is_some_and(|(tag, value)| {
        !tag.is_empty()
            && tag.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !value.contains(' ')
    })
}

/// Returns whether a text is a name, such as `ACME_KEY2` or `acme.key-1`. Digits before letters are allowed only in
/// upper-case words, so that random texts are rarely names.
fn is_name(text: &str) -> bool {
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_word = |word: &str| {
        let letters = word.trim_end_matches(|char: char| char.is_ascii_digit());
        word.bytes().all(is_upper) || letters.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    text.contains(|char: char| char.is_ascii_alphabetic())
        && text.split(['_', '-', '.', ' ', ':']).all(is_word)
}

fn enclosed<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn templates_and_references_are_found() {
        let texts = [
            "${ACME_KEY}",
            "prefix-${ACME_KEY:-none}-suffix",
            "$(cat /run/secrets/key)",
            "$env://ACME_API_KEY",
            "op://vault/acme/credential",
            "{{ .Values.key }}",
            "{{key}}",
            "{% include key %}",
            "#{AcmeApiKeySecret}#",
            "$ACME_API_KEY_SECRET",
            "%ACME_API_KEY_1%",
            "<your-key>",
            "<your api key goes here>",
            "ENC[AES256_GCM,data:abcd]",
            "[[ .Values.acmekey ]]",
            "env:ACME_API_KEY_VALUE",
            "process.env.ACME_API_KEY",
            "vault:secret/data/acme#key",
            "!vault secret/acme/key",
            "ref+vault://secret/acme#/key",
            "AWS_SM://prod/acme/key",
            "@Microsoft.KeyVault(SecretUri=https://acme.example/key)",
            "$acme_api_key_secret",
            "$ACME_API_KEY-suffix",
            "{acme_api_key_secret}",
            "{ACME_API_KEY_FOO}",
            "((acme_api_key_secret))",
            "__ACME_API_KEY__",
            "@ACME_API_KEY_1@",
            "TODO-generate-a-key-for-acme",
        ];
        for text in texts {
            assert!(is_template(text), "{text}");
        }
    }

    #[test]
    fn secrets_with_special_characters_are_not_templates() {
        let texts = [
            "{123e4567-e89b-12d3-a456-426614174000}",
            "{5f4dcc3b5aa765d61d83}{27deb882cf99}",
            "$2b$12$EXRkfkdmXn2gzds2SSitu.",
            "!correct horse battery staple",
            "TODOp4K9fQ2xL7vT1sR8wZ3m",
            "k9${+Lw4}Tq#{7|x}Zr81",
            "acme:5f4dcc3b5aa765d61d8327deb882cf99",
        ];
        for text in texts {
            assert!(!is_template(text), "{text}");
        }
    }

    /// Texts in which all characters are equally likely, as in random keys. Patterns such as `[A-Z_-]` would draw `_`
    /// as often as a letter.
    fn random(alphabet: &str) -> impl Strategy<Value = String> {
        let character = prop::sample::select(alphabet.chars().collect::<Vec<_>>());
        prop::collection::vec(character, 22..=64).prop_map(String::from_iter)
    }

    const HEXADECIMAL: &str = "0123456789abcdef";
    const BASE62: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    proptest! {
        #[test]
        fn random_keys_are_not_templates(
            base64url in random(&format!("{BASE62}_-")),
            base64 in random(&format!("{BASE62}+/")),
            padding in "={0,2}",
            base62 in random(BASE62),
            hexadecimal in random(HEXADECIMAL),
        ) {
            for key in [base64url, base64 + &padding, base62, hexadecimal] {
                prop_assert!(!is_template(&key), "{}", key);
            }
        }
    }
}
