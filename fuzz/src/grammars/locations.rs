use keygate::store::PostgresStore;

use crate::location::Location;

/// A value of `--store`, and the same text as the URL of a database.
pub(super) fn location(text: &str) {
    let parsed = Location::parse(text.as_ref());
    let from_secret = Location::parse_secret(text.as_bytes());
    let options = PostgresStore::options(text);
    let mut said = format!("{from_secret:?}");
    match parsed {
        Ok(location @ Location::Postgres(_)) => said += &format!("{location} {location:?}"),
        // File names may be shown.
        Ok(_) => {}
        Err(error) => said += &format!("{error} {error:?}"),
    }
    match options {
        Ok(options) => said += &format!("{options:?}"),
        Err(error) => said += &format!("{error} {error:?}"),
    }
    for word in words_of_password(text) {
        assert!(!said.contains(word), "a part of the password is shown: {said}");
    }
}

/// The words between the first colon after the scheme and the last `@` before the options, if they are long enough to
/// be searched for.
fn words_of_password(text: &str) -> impl Iterator<Item = &str> {
    let before_options = text.split('?').next().unwrap_or_default();
    let password = before_options
        .split_once("://")
        .and_then(|(_, rest)| rest.rsplit_once('@'))
        .and_then(|(before, _)| before.split_once(':'))
        .map_or("", |(_, password)| password);
    // Shorter passwords, words of the messages and other parts of the URL can appear by chance.
    password.split(['/', '#', '@', ':']).filter(|word| {
        let has_digit = word.contains(|char: char| char.is_ascii_digit());
        word.len() >= 8 && has_digit && text.matches(word).count() == 1
    })
}
