use keygate::PostgresStore;

use crate::location::Location;

/// A value of `--store`, and the same text as the URL of a database.
pub(super) fn location(text: &str) {
    let parsed = Location::parse(text.as_ref());
    let from_secret = Location::parse_secret(text.as_bytes());
    let options = PostgresStore::options(text);
    let Some(password) = password(text) else { return };
    let mut said = format!("{from_secret:?}");
    match parsed {
        Ok(location @ Location::Postgres(_)) => said += &format!("{location} {location:?}"),
        // The name of a file is shown.
        Ok(_) => {}
        Err(error) => said += &format!("{error} {error:?}"),
    }
    match options {
        Ok(options) => said += &format!("{options:?}"),
        Err(error) => said += &format!("{error} {error:?}"),
    }
    assert!(!said.contains(password), "a password is shown: {said}");
}

/// What stands between the first colon behind the scheme and the last `@`, if it is long enough to be looked for.
fn password(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let (before, _) = rest.rsplit_once('@')?;
    let (_, password) = before.split_once(':')?;
    // Shorter ones, and words of the messages, stand there by chance.
    let is_odd = password.len() >= 8 && password.contains(|char: char| char.is_ascii_digit());
    is_odd.then_some(password)
}
