//! Key IDs and client names on the command line: abbreviated IDs, and IDs and names that were mixed up.
//!
//! A text that the store does not know is never shown, since it may be a key.

use keygate::KeyId;
use keygate::manage::{KeyInfo, KeyQuery, ManageError};

use crate::args::Globals;
use crate::failure::Failure;
use crate::runtime::block_on;
use crate::store::Store;
use crate::{pages, show};

const MIN_DIGITS: usize = 8;

/// Returns the key ID for a text from the command line, which may be the beginning of the ID.
pub(crate) fn key_id(text: &str, store: &dyn Store, globals: &Globals) -> Result<KeyId, Failure> {
    find(text, store, globals, "`keygate key list` lists the keys")
}

/// Like [`key_id`], for a command that also accepts the whole ID of a key that was removed.
pub(crate) fn past_key_id(
    text: &str,
    store: &dyn Store,
    globals: &Globals,
) -> Result<KeyId, Failure> {
    let hint = "`keygate key list` lists the keys; a key that was removed is found by its whole ID";
    find(text, store, globals, hint)
}

fn find(text: &str, store: &dyn Store, globals: &Globals, hint: &str) -> Result<KeyId, Failure> {
    let is_client = || block_on(store.find_client(text)).is_ok();
    let whole = text.parse::<KeyId>().ok();
    if let Some(key_id) = whole {
        // A client may have a name of 16 hexadecimal digits.
        let found = block_on(store.find_key(&key_id));
        if !matches!(found, Err(ManageError::UnknownKey { .. })) || !is_client() {
            return Ok(key_id);
        }
    }
    let found = if is_beginning(text) { beginning_with(text, store)? } else { Vec::new() };
    if whole.is_some() || (found.is_empty() && is_client()) {
        return Err(Failure::usage(format!(
            "`{text}` is a client, but this command needs a key ID: `keygate key list {}` lists the client's keys",
            quoted(text)
        )));
    }
    match &found[..] {
        _ if !is_beginning(text) => Err(Failure::usage(
            "a key ID has 16 hexadecimal digits, of which the first 8 are enough if no other ID \
             begins with them: `keygate key list` lists the keys",
        )),
        _ if globals.yes || globals.json => Err(Failure::usage(
            "--yes and --json need all 16 digits of the key ID: \
             `keygate key list` lists the keys",
        )),
        [] => Err(Failure::refused(format!("no key ID begins with {text}: {hint}"))),
        [key] => Ok(key.key_id),
        keys => Err(Failure::refused(format!(
            "the IDs of {} keys begin with {text}: give more digits of {}",
            keys.len(),
            candidates(keys)
        ))),
    }
}

/// Returns the failure of a command on this client. Explains it if the name is a key ID.
pub(crate) fn client_failure(error: ManageError, name: &str, store: &dyn Store) -> Failure {
    let is_unknown = matches!(error, ManageError::UnknownClient { .. });
    let found = if is_unknown && is_id(name) { beginning_with(name, store).ok() } else { None };
    match found.as_deref() {
        Some([key]) => Failure::usage(format!(
            "{name} is the ID of a key of `{}`, but this command needs a client name: \
             `keygate key show {name}` shows the key, `keygate client show {}` its client",
            key.client,
            quoted(&key.client)
        )),
        Some(keys @ [_, _, ..]) => Failure::usage(format!(
            "the IDs of {} keys begin with {name}, but this command needs a client name: \
             `keygate client list` lists the clients, and the keys are {}",
            keys.len(),
            candidates(keys)
        )),
        None | Some([]) => error.into(),
    }
}

/// Returns whether a text has the form of a key ID or of its beginning.
fn is_id(text: &str) -> bool {
    text.parse::<KeyId>().is_ok() || is_beginning(text)
}

fn is_beginning(text: &str) -> bool {
    (MIN_DIGITS..16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn beginning_with(text: &str, store: &dyn Store) -> Result<Vec<KeyInfo>, Failure> {
    let beginning = text.to_ascii_lowercase();
    let mut keys = pages::keys(store, &KeyQuery::new().with_search(text))?.found;
    keys.retain(|key| key.key_id.to_string().starts_with(&beginning));
    Ok(keys)
}

fn candidates(keys: &[KeyInfo]) -> String {
    const MAX_SHOWN: usize = 10;
    let shown = keys.iter().take(MAX_SHOWN).map(show::named).collect::<Vec<_>>().join(", ");
    match keys.len().saturating_sub(MAX_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Quotes a name for a shell, if necessary.
fn quoted(name: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_.-".contains(char);
    let quoted = if name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    };
    if name.starts_with('-') { format!("-- {quoted}") } else { quoted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_a_shell_needs() {
        let cases = [
            ("App", "App"),
            ("App 1", "'App 1'"),
            ("it's", r"'it'\''s'"),
            ("-x", "-- -x"),
            ("Größe", "'Größe'"),
        ];
        for (name, shown) in cases {
            assert_eq!(quoted(name), shown);
        }
    }

    #[test]
    fn beginning_of_an_id_has_8_to_15_digits() {
        for (text, is_one) in [
            ("1f0c2b7", false),
            ("1f0c2b7a", true),
            ("1F0C2B7A9D3E4C5", true),
            ("1f0c2b7a9d3e4c58", false),
            ("1f0c2b7g", false),
            ("+f0c2b7a", false),
        ] {
            assert_eq!(is_beginning(text), is_one, "{text}");
        }
    }
}
