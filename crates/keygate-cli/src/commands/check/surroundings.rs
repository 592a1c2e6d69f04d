//! The text around a key on standard input. Reports only the kind of the text, never the text itself.

use unicode_width::UnicodeWidthChar as _;

/// The kinds of text around a key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// Whitespace that every HTTP parser removes (RFC 9110 section 5.5).
    pub(super) blanks: Vec<&'static str>,
    /// Anything else. Requests with it are refused.
    pub(super) others: Vec<&'static str>,
}

/// Strips the line ending and outer whitespace, and reports what surrounds the key.
pub(super) fn strip(text: &[u8]) -> (&[u8], Surroundings) {
    let mut surroundings = Surroundings::default();
    let text =
        text.strip_suffix(b"\n").map_or(text, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    if text.first().is_some_and(is_blank) {
        surroundings.blanks.push("a blank before it");
    }
    if text.last().is_some_and(is_blank) {
        surroundings.blanks.push("a blank after it");
    }
    let sent = trim(text);
    surroundings.others = others(sent);
    (sent, surroundings)
}

fn others(mut text: &[u8]) -> Vec<&'static str> {
    let mut found = Vec::new();
    if let Some(rest) = text.strip_prefix("\u{feff}".as_bytes()) {
        found.push("a byte order mark");
        text = trim(rest);
    }
    if let Some(end) = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        found.push("further lines");
        text = trim(&text[..end]);
    }
    if let Some(visible) = without_invisible(text) {
        found.push("an invisible character or unusual blank");
        text = visible;
    }
    if let Some(rest) = text.strip_suffix(br"\n") {
        found.push("a line break that is written as `\\n`");
        text = trim(rest);
    }
    if let Some(rest) = text.strip_suffix(b",").or(text.strip_suffix(b";")) {
        found.push("a comma or semicolon");
        text = trim(rest);
    }
    if let Some(rest) = after_name(text) {
        found.push("a name, as of a header or a variable");
        text = trim(rest);
    }
    if let Some(rest) = after_scheme(text) {
        found.push("a scheme, such as `Bearer`");
        text = rest;
    }
    if before_client(text) {
        found.push("a client, as in a line of a key file");
    }
    if let Some(kind) = PAIRS.iter().find_map(|(open, close, kind)| {
        let inner = text.strip_prefix(open.as_bytes())?.strip_suffix(close.as_bytes())?;
        (!inner.is_empty()).then_some(*kind)
    }) {
        found.push(kind);
    }
    found
}

/// Pairs of quotes or brackets: the opening text, the closing text, and the kind.
const PAIRS: [(&str, &str, &str); 11] = [
    ("\"", "\"", QUOTES),
    ("'", "'", QUOTES),
    ("`", "`", QUOTES),
    ("\u{201c}", "\u{201d}", QUOTES),
    ("\u{201e}", "\u{201c}", QUOTES),
    ("\u{2018}", "\u{2019}", QUOTES),
    ("\u{ab}", "\u{bb}", QUOTES),
    ("<", ">", BRACKETS),
    ("[", "]", BRACKETS),
    ("{", "}", BRACKETS),
    ("(", ")", BRACKETS),
];
const QUOTES: &str = "quotes";
const BRACKETS: &str = "brackets";

/// Removes invisible characters from both ends. Returns `None` if there are none.
fn without_invisible(text: &[u8]) -> Option<&[u8]> {
    let is_invisible = |char: char| {
        char.width().is_none_or(|width| width == 0) || (char.is_whitespace() && !char.is_ascii())
    };
    // A tab inside a key counts as whitespace.
    let text = std::str::from_utf8(text).ok()?;
    let holds_one = text.contains(|char| char != '\t' && is_invisible(char));
    holds_one.then(|| trim(text.trim_matches(is_invisible).as_bytes()))
}

/// Returns whether this is a key with its client, as in `KEY: App 1`.
fn before_client(text: &[u8]) -> bool {
    let end = text.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    end.is_some_and(|end| end > 1 && text[end - 1] == b':')
}

/// Returns the text after `x-api-key:`, `API_KEY=`, `export API_KEY=` or `?api_key=`.
fn after_name(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"export ").map_or(text, trim);
    let text = text.strip_prefix(b"?").or(text.strip_prefix(b"&")).unwrap_or(text);
    let end = text.iter().position(|byte| matches!(byte, b':' | b'='))?;
    let (name, rest) = (&text[..end], &text[end + 1..]);
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    (!name.is_empty() && name.iter().all(is_name) && !trim(rest).is_empty()).then_some(rest)
}

/// Returns the word after a scheme such as `Bearer`, if there are exactly two words and the first has only letters.
fn after_scheme(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (&text[..end], trim(&text[end..]));
    let is_one_word = !rest.contains(&b' ');
    (!scheme.is_empty() && scheme.iter().all(u8::is_ascii_alphabetic) && is_one_word)
        .then_some(rest)
}

fn trim(text: &[u8]) -> &[u8] {
    let is_inner = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = text.iter().position(is_inner).unwrap_or(text.len());
    let end = text.iter().rposition(is_inner).map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surroundings_are_reported_by_kind() {
        const NAME: &str = "a name, as of a header or a variable";
        const SCHEME: &str = "a scheme, such as `Bearer`";
        const INVISIBLE: &str = "an invisible character or unusual blank";
        const COMMA: &str = "a comma or semicolon";
        const CLIENT: &str = "a client, as in a line of a key file";
        let cases: [(&str, &[&str]); 28] = [
            ("q/J+8rYt0Lz3+Kx/W1mVbA==\n", &[]),
            ("acme_3f9:Zk2\r\n", &[]),
            ("correct horse battery", &[]),
            ("\u{feff}key-0123\n", &["a byte order mark"]),
            ("key-0123\n\n", &["further lines"]),
            ("key-0123\nkey-4567\n", &["further lines"]),
            ("\"key-0123\"", &["quotes"]),
            ("'key-0123'\n", &["quotes"]),
            ("Bearer key-0123\n", &[SCHEME]),
            ("x-api-key: key-0123\n", &[NAME]),
            ("x-api-key:key-0123\n", &[NAME]),
            ("API_KEY=\"key-0123\"\n", &[NAME, "quotes"]),
            ("Authorization: Bearer key-0123\r\n\r\n", &["further lines", NAME, SCHEME]),
            ("key-0123\u{200b}\n", &[INVISIBLE]),
            ("\u{a0}key-0123", &[INVISIBLE]),
            ("key\0-0123", &[INVISIBLE]),
            ("\"key-0123\"\u{a0}", &[INVISIBLE, "quotes"]),
            ("\u{201c}key-0123\u{201d}", &["quotes"]),
            ("<key-0123>", &["brackets"]),
            ("key-0123;\n", &[COMMA]),
            ("key-0123,", &[COMMA]),
            ("key-0123\\n", &["a line break that is written as `\\n`"]),
            ("key-0123: App 1\n", &[CLIENT]),
            ("?api_key=key-0123", &[NAME]),
            ("export API_KEY=key-0123\n", &[NAME]),
            ("export API_KEY='key-0123';\n", &[COMMA, NAME, "quotes"]),
            ("pässwörd-0123", &[]),
            ("\u{feff}'key-0123'\n\n", &["a byte order mark", "further lines", "quotes"]),
        ];
        for (text, others) in cases {
            assert_eq!(
                strip(text.as_bytes()).1,
                Surroundings { blanks: vec![], others: others.into() },
                "{text:?}"
            );
        }
    }

    #[test]
    fn outer_blanks_and_the_end_of_the_line_are_removed() {
        for text in [" key-1", "key-1\t\n", " \tkey-1 \r\n"] {
            let (key, surroundings) = strip(text.as_bytes());
            assert_eq!(key, b"key-1");
            assert!(!surroundings.blanks.is_empty() && surroundings.others.is_empty(), "{text:?}");
        }
        assert_eq!(strip(b" \n").0, b"");
        assert_eq!(strip(b"").0, b"");
    }
}
