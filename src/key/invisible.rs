use std::fmt;

/// An invisible character in a text, and its position.
///
/// Format characters and separators (general categories Cf, Zl and Zp) are refused in names, labels and keys, because
/// different texts could look the same. In keys, Unicode blanks other than U+0020 are refused, too.
///
/// ```
/// use keygate::ClientProfile;
/// use keygate::client::{LabelError, ProfileError};
///
/// let Err(ProfileError::Name(LabelError::Invisible(found))) = ClientProfile::new("App\u{200b} 1").validate() else {
///     unreachable!()
/// };
/// assert_eq!((found.character, found.position), ('\u{200b}', 4));
/// assert_eq!(found.to_string(), "U+200B as its character 4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvisibleChar {
    /// The character.
    pub character: char,
    /// The position of the character in the text, in characters and counted from 1.
    pub position: usize,
}

impl fmt::Display for InvisibleChar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X} as its character {}", u32::from(self.character), self.position)
    }
}

/// Finds the first invisible character of a name or label.
pub(crate) fn in_name(text: &str) -> Option<InvisibleChar> {
    find(text, |offset, char| is_format_or_separator(char) && !is_valid_joiner(text, offset, char))
}

/// Finds the first invisible character or unusual blank of a key.
pub(crate) fn in_key(text: &str) -> Option<InvisibleChar> {
    find(text, |_, char| is_format_or_separator(char) || (char.is_whitespace() && char != ' '))
}

fn find(text: &str, is_invisible: impl Fn(usize, char) -> bool) -> Option<InvisibleChar> {
    if text.is_ascii() {
        return None;
    }
    let mut chars = text.char_indices().enumerate();
    let (index, (_, character)) = chars.find(|(_, (offset, char))| is_invisible(*offset, *char))?;
    Some(InvisibleChar { character, position: index + 1 })
}

/// General categories Cf, Zl and Zp of Unicode 16.
fn is_format_or_separator(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// Returns whether U+200C or U+200D affects the letters around it, by the rules of RFC 5892 A.1 and A.2. Instead of the
/// joining type of each letter, it checks for scripts with joining letters.
fn is_valid_joiner(text: &str, offset: usize, char: char) -> bool {
    let before = text[..offset].chars().next_back();
    let after = text[offset + char.len_utf8()..].chars().next();
    match char {
        '\u{200c}' | '\u{200d}' if before.is_some_and(is_virama) => true,
        '\u{200c}' => [before, after].into_iter().all(|char| char.is_some_and(is_joining_letter)),
        _ => false,
    }
}

/// Arabic, Syriac, N'Ko, Mandaic, Mongolian, Phags-pa, Manichaean, Psalter Pahlavi, Hanifi Rohingya,
/// Sogdian, Old Uyghur, Chorasmian and Adlam.
fn is_joining_letter(char: char) -> bool {
    char.is_alphabetic()
        && matches!(char,
            '\u{620}'..='\u{77f}' | '\u{7ca}'..='\u{7ff}' | '\u{840}'..='\u{8ff}'
            | '\u{1807}'..='\u{18aa}' | '\u{a840}'..='\u{a872}' | '\u{10ac0}'..='\u{10aef}'
            | '\u{10b80}'..='\u{10bae}' | '\u{10d00}'..='\u{10d27}' | '\u{10f30}'..='\u{10fcb}'
            | '\u{1e900}'..='\u{1e94b}')
}

/// Canonical combining class 9.
fn is_virama(char: char) -> bool {
    matches!(char,
        '\u{94d}' | '\u{9cd}' | '\u{a4d}' | '\u{acd}' | '\u{b4d}' | '\u{bcd}' | '\u{c4d}' | '\u{ccd}'
        | '\u{d3b}'..='\u{d3c}' | '\u{d4d}' | '\u{dca}' | '\u{e3a}' | '\u{eba}' | '\u{f84}'
        | '\u{1039}'..='\u{103a}' | '\u{1714}'..='\u{1715}' | '\u{1734}' | '\u{17d2}' | '\u{1a60}'
        | '\u{1b44}' | '\u{1baa}'..='\u{1bab}' | '\u{1bf2}'..='\u{1bf3}' | '\u{2d7f}' | '\u{a806}'
        | '\u{a82c}' | '\u{a8c4}' | '\u{a953}' | '\u{a9c0}' | '\u{aaf6}' | '\u{abed}' | '\u{10a3f}'
        | '\u{11046}' | '\u{11070}' | '\u{1107f}' | '\u{110b9}' | '\u{11133}'..='\u{11134}'
        | '\u{111c0}' | '\u{11235}' | '\u{112ea}' | '\u{1134d}' | '\u{11442}' | '\u{114c2}'
        | '\u{115bf}' | '\u{1163f}' | '\u{116b6}' | '\u{1172b}' | '\u{11839}'
        | '\u{1193d}'..='\u{1193e}' | '\u{119e0}' | '\u{11a34}' | '\u{11a47}' | '\u{11a99}'
        | '\u{11c3f}' | '\u{11d44}'..='\u{11d45}' | '\u{11d97}')
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn invisible_characters_match_the_unicode_categories() {
        let listed = Regex::new(r"^[\p{Cf}\p{Zl}\p{Zp}]$").unwrap();
        for char in '\0'..=char::MAX {
            let mut bytes = [0; 4];
            let expected = listed.is_match(char.encode_utf8(&mut bytes));
            assert_eq!(is_format_or_separator(char), expected, "U+{:04X}", u32::from(char));
        }
    }

    #[test]
    fn invisible_characters_are_found_with_their_position() {
        for char in "\u{ad}\u{61c}\u{200b}\u{200e}\u{2028}\u{2029}\u{2060}\u{feff}\u{e0041}".chars()
        {
            let found = InvisibleChar { character: char, position: 3 };
            assert_eq!(in_name(&format!("Zö{char}e")), Some(found), "{char:?}");
            assert_eq!(in_key(&format!("Zö{char}e")), Some(found), "{char:?}");
        }
        for blank in "\u{a0}\u{2003}\u{202f}\u{3000}".chars() {
            assert_eq!(in_name(&format!("Zö{blank}e")), None, "{blank:?}");
            let found = InvisibleChar { character: blank, position: 3 };
            assert_eq!(in_key(&format!("Zö{blank}e")), Some(found), "{blank:?}");
        }
        assert_eq!(in_key("a key with blanks and é"), None);
    }

    #[test]
    fn joiners_are_allowed_only_where_they_shape_letters() {
        // Persian, Hindi, Sinhala, and Malayalam with a chillu in its old spelling.
        let allowed = ["می\u{200c}خواهم", "क्\u{200c}ष", "क्\u{200d}ष", "ශ්\u{200d}රී", "അനില്\u{200d}"];
        for name in allowed {
            assert_eq!(in_name(name), None, "{name}");
            assert!(in_key(name).is_some(), "{name}");
        }
        let refused = [
            "Ad\u{200c}min",
            "Ad\u{200d}min",
            "\u{200c}خواهم",
            "می\u{200c}",
            "می\u{200c} خ",
            "می\u{200d}خ",
        ];
        for name in refused {
            assert!(in_name(name).is_some(), "{name:?}");
        }
    }
}
