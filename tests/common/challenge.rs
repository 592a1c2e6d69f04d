//! Reads one challenge by the grammar of RFC 9110 section 11.6.1.

/// A parsed challenge with its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Challenge<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) parameters: Vec<(&'a str, String)>,
}

impl<'a> Challenge<'a> {
    /// Parses the only challenge of a header line: a scheme, one blank, and `name="value"` parameters.
    ///
    /// This is narrower than the grammar: every value is quoted and printable ASCII, and only `"` and `\\` are escaped.
    pub(crate) fn parse(line: &'a str) -> Result<Self, String> {
        let (scheme, mut rest) = line.split_once(' ').ok_or("no parameters")?;
        if !is_token(scheme) {
            return Err(format!("not a scheme: {scheme}"));
        }
        let mut parameters = Vec::new();
        loop {
            let (name, quoted) = rest.split_once("=\"").ok_or("no quoted value")?;
            if !is_token(name) {
                return Err(format!("not the name of a parameter: {name}"));
            }
            let (value, behind) = unquoted(quoted)?;
            parameters.push((name, value));
            if behind.is_empty() {
                return Ok(Self { scheme, parameters });
            }
            rest = behind.strip_prefix(", ").ok_or("no comma between parameters")?;
        }
    }
}

/// The value up to the closing quote, and the rest of the line.
fn unquoted(quoted: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next().ok_or("no closing quote")? {
            '"' => return Ok((value, chars.as_str())),
            '\\' => match chars.next() {
                Some(char @ ('"' | '\\')) => value.push(char),
                other => return Err(format!("{other:?} behind a backslash")),
            },
            char @ ' '..='~' => value.push(char),
            odd => return Err(format!("{odd:?} between the quotes")),
        }
    }
}

fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}
