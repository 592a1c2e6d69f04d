use super::draft::{Draft, Entry};
use super::secret::Secret;
use super::{Fault, state};

/// Parses the `map` blocks whose variable is an API key, and ignores the others.
// No maintained crate parses nginx files.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    let tokens = tokens(text)?;
    let mut rest = &tokens[..];
    while let Some(start) = rest.iter().position(|token| token.is("map")) {
        rest = &rest[start + 1..];
        let [source, _, open, ..] = rest else { break };
        if !source.text.starts_with('$') || !open.is("{") {
            continue;
        }
        let body = &rest[3..];
        let Some(length) = body.iter().position(|token| token.is("}")) else {
            return Err(open.fault("the block has no end"));
        };
        if is_of_keys(&source.text) {
            if let Some(name) = source.text.strip_prefix("$http_") {
                draft.add_header(&name.replace('_', "-"));
            }
            read_block(&body[..length], draft)?;
        } else {
            draft.setting("a map of another variable");
        }
        rest = &body[length..];
    }
    Ok(())
}

fn is_of_keys(variable: &str) -> bool {
    ["key", "token", "secret", "authorization"].into_iter().any(|word| variable.contains(word))
}

fn read_block(block: &[Token], draft: &mut Draft) -> Result<(), Fault> {
    for statement in block.split(|token| token.is(";")) {
        let (key, name) = match statement {
            [] => continue,
            [word] if ["hostnames", "volatile"].into_iter().any(|known| word.is(known)) => continue,
            [word, _] if word.is("default") => continue,
            [word, _] if word.is("include") => {
                draft.leave_out(word.at(), "it includes another file: import that file, too");
                continue;
            }
            [key, name] => (key, name),
            [first, ..] => return Err(first.fault("this is not `\"KEY\" \"name\";`")),
        };
        match (key.text.as_str(), name.text.as_str()) {
            // Requests without a key.
            ("", _) => {}
            (_, "" | "0") => draft.leave_out(key.at(), state::REASON),
            (text, _) if text.starts_with('~') => {
                draft.leave_out(key.at(), "it is a pattern, not a key");
            }
            (text, name) => {
                let text = text.strip_prefix("Bearer ").unwrap_or(text);
                let name = (name != "1").then_some(name);
                draft.add(Entry::new(key.at(), name, Secret::plain(text)));
            }
        }
    }
    Ok(())
}

struct Token {
    text: zeroize::Zeroizing<String>,
    is_quoted: bool,
    line: usize,
    column: usize,
}

impl Token {
    /// Returns whether this is a keyword or a mark of the grammar.
    fn is(&self, text: &str) -> bool {
        !self.is_quoted && *self.text == text
    }

    fn at(&self) -> String {
        format!("{}:{}", self.line, self.column)
    }

    fn fault(&self, why: &str) -> Fault {
        Fault { at: self.at(), why: why.to_owned() }
    }
}

/// Splits the text into words, quoted texts, and the marks `{`, `}` and `;`.
fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens: Vec<Token> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let mut characters = line.char_indices().peekable();
        while let Some((start, first)) = characters.next() {
            let column = line[..start].chars().count() + 1;
            let mut token =
                Token { text: String::new().into(), is_quoted: false, line: line_number, column };
            match first {
                '#' => break,
                _ if first.is_whitespace() => continue,
                '{' | '}' | ';' => token.text.push(first),
                '"' | '\'' => {
                    token.is_quoted = true;
                    loop {
                        match characters.next() {
                            Some((_, '\\')) => {
                                token.text.extend(characters.next().map(|(_, next)| next));
                            }
                            Some((_, next)) if next == first => break,
                            Some((_, next)) => token.text.push(next),
                            None => {
                                return Err(token.fault("the quoted text does not end on its line"));
                            }
                        }
                    }
                }
                _ => {
                    token.text.push(first);
                    let is_word =
                        |next: char| !next.is_whitespace() && !matches!(next, '{' | '}' | ';');
                    while let Some((_, next)) = characters.next_if(|(_, next)| is_word(*next)) {
                        token.text.push(next);
                    }
                }
            }
            tokens.push(token);
        }
    }
    Ok(tokens)
}
