//! The small grammars, each compared with a second parser. The first byte chooses one.

mod addresses;
mod environment;
mod keys;
mod locations;
mod routes;
mod times;
mod words;

/// Parses the text after the first byte of `data`.
///
/// # Panics
///
/// A parser disagrees with the second parser, or a message shows a password or key.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return keys::matches(rest) };
    match choice {
        b's' => words::scopes(text),
        b'q' => words::quota(text),
        b't' => times::time(text),
        b'k' => keys::matches(rest),
        b'n' => addresses::network(text),
        b'f' => addresses::forwarded(text),
        b'e' => environment::list(text),
        b'r' => routes::routes(text),
        b'l' => locations::location(text),
        _ => {}
    }
}
