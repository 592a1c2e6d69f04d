use zeroize::Zeroizing;

use super::Fault;
use super::draft::{Draft, Entry};
use super::secret::Secret;

/// Parses variables whose name contains `API_KEY`: lists of pairs, lists of keys, and `API_KEY_NAME=key`.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    // The parser would replace `$NAME` with a variable of the tool's own environment, so each `$` is hidden from it.
    let dollar =
        ('\u{e000}'..='\u{f8ff}').find(|stand_in| !text.contains(*stand_in)).ok_or_else(|| {
            Fault {
                at: String::new(),
                why: "it uses all private-use characters of Unicode".to_owned(),
            }
        })?;
    let text = Zeroizing::new(text.replace('$', dollar.encode_utf8(&mut [0; 4])));
    for (index, variable) in dotenvy::Iter::new(text.as_bytes()).enumerate() {
        // The parser's message is left out, since it quotes the line.
        let (name, value) = variable.map_err(|_| Fault {
            at: format!("variable {}", index + 1),
            why: "this is not NAME=value; put a value with spaces in quotes, and one with `\\$` in single quotes, \
                  without the backslash"
                .to_owned(),
        })?;
        let value = Zeroizing::new(value);
        let value = Zeroizing::new(value.replace(dollar, "$"));
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

/// Parses `name=key,name2=key2`, `name:key` or plain keys.
fn read_list(variable: &str, value: &str, draft: &mut Draft) {
    let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
    for (index, item) in items.enumerate() {
        let place = format!("{variable}, item {}", index + 1);
        // Base64 may end with equals signs.
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

#[cfg(test)]
mod tests {
    use keygate::KeyDigest;

    use super::super::Options;
    use super::*;

    #[test]
    fn dollar_signs_are_kept_as_written() {
        // Every process has the variable `PATH`.
        for (text, key) in [
            ("API_KEY_A=<>$PATH", "<>$PATH"),
            ("API_KEY_A='<>$PATH'", "<>$PATH"),
            ("API_KEY_A=\"it's<>$PATH\"", "it's<>$PATH"),
            (r"API_KEY_A=<>\\$PATH", r"<>\$PATH"),
            (r"API_KEY_A='<>\$PATH'", r"<>\$PATH"),
            ("A='a'$PATH # it's\nAPI_KEY_A=<>$PATH", "<>$PATH"),
            ("A='x\ny'\nAPI_KEY_A=<>$PATH", "<>$PATH"),
            ("A='x\n'$PATH\nAPI_KEY_A=<>$PATH", "<>$PATH"),
            ("A=\u{e000}\nAPI_KEY_A=<>$PATH", "<>$PATH"),
        ] {
            let [text, key] = [text, key].map(|text| text.replace("<>", "mX8qLw3ZtR5vBn7Kc2"));
            let mut draft = Draft::new(Options::default());
            assert!(read(&text, &mut draft).is_ok(), "{text}");
            let digests: Vec<_> = draft.keys.iter().map(|key| key.digest).collect();
            assert_eq!(digests, [KeyDigest::of(key.as_bytes())], "{text}");
        }
    }

    #[test]
    fn escaped_dollar_is_refused_with_an_explanation() {
        let mut draft = Draft::new(Options::default());
        let fault = read("A=1\nAPI_KEY_A=\"x\\$PATH\"", &mut draft).err();
        let fault = fault.map(|fault| fault.to_string());
        let fault = fault.expect("an ambiguous value is refused");
        assert!(fault.starts_with("variable 2: "), "{fault}");
        assert!(fault.contains("in single quotes, without the backslash"), "{fault}");
    }
}
