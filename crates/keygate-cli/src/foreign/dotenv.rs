use super::Fault;
use super::draft::{Draft, Entry};
use super::secret::Secret;

/// Reads variables whose name contains `API_KEY`: lists of pairs, lists of keys, and `API_KEY_NAME=key`.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    let text = zeroize::Zeroizing::new(without_substitution(text));
    for (index, variable) in dotenvy::Iter::new(text.as_bytes()).enumerate() {
        // The parser's message is not passed on: it quotes the line.
        let (name, value) = variable.map_err(|_| Fault {
            at: format!("variable {}", index + 1),
            why: "this is not NAME=value; put a value with blanks in quotes".to_owned(),
        })?;
        let value = zeroize::Zeroizing::new(value);
        match name.split_once("API_KEY") {
            None => draft.setting("a variable without API_KEY in its name"),
            Some((_, "S" | "")) => read_list(&name, &value, draft),
            Some((_, rest)) => {
                let client = rest.trim_start_matches("S_").trim_matches('_').to_owned();
                draft.add(Entry::new(name, Some(&client), Secret::plain(&value)));
            }
        }
    }
    Ok(())
}

/// Reads `name=key,name2=key2`, `name:key` or plain keys.
fn read_list(variable: &str, value: &str, draft: &mut Draft) {
    let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
    for (index, item) in items.enumerate() {
        let place = format!("{variable}, item {}", index + 1);
        // Base64 ends with equals signs.
        let named = item
            .trim_end_matches('=')
            .split_once(['=', ':'])
            .map(|(name, _)| item.split_at(name.len()));
        match named {
            Some((name, key)) => draft.add(Entry::new(place, Some(name), Secret::plain(&key[1..]))),
            None => draft.add(Entry::new(place, None, Secret::plain(item))),
        }
    }
}

/// Escapes each `$`, so that a reference stays one: the parser would put in a variable of the tool's own environment.
fn without_substitution(text: &str) -> String {
    // Never grown, which would leave a copy of the keys in memory.
    let mut escaped = String::with_capacity(text.len() * 2 + 1);
    for line in text.lines() {
        let (mut is_literal, mut is_quoted) = (false, false);
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match character {
                '\'' if !is_quoted => is_literal = !is_literal,
                '"' if !is_literal => is_quoted = !is_quoted,
                '$' if !is_literal => escaped.push('\\'),
                '\\' if !is_literal => {
                    escaped.push('\\');
                    escaped.extend(characters.next());
                    continue;
                }
                _ => {}
            }
            escaped.push(character);
        }
        escaped.push('\n');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollar_is_escaped_once_outside_of_single_quotes() {
        for (text, expected) in [
            ("A=$B", "A=\\$B"),
            (r"A=\$B", r"A=\$B"),
            (r"A=\\$B", r"A=\\\$B"),
            ("A='$B'", "A='$B'"),
            ("A=x'$B'$C", r"A=x'$B'\$C"),
            (r#"A="it's $B""#, r#"A="it's \$B""#),
            (r#"A="\"'$B""#, r#"A="\"'\$B""#),
        ] {
            assert_eq!(without_substitution(text), format!("{expected}\n"), "{text}");
            let value = |text: &str| dotenvy::Iter::new(text.as_bytes()).next().unwrap().unwrap().1;
            let escaped = value(&without_substitution(text));
            assert!(escaped.contains('$'), "{escaped}");
        }
    }
}
