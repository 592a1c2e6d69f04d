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
    let escape = |line: &str| {
        let value = line.split_once('=').map_or(line, |(_, value)| value);
        let is_literal = value.trim_start().starts_with('\'');
        let line =
            if is_literal { line.to_owned() } else { line.replace("\\$", "$").replace('$', "\\$") };
        line + "\n"
    };
    text.lines().map(escape).collect()
}
