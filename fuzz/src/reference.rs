//! The credentials of a request, read as documented and without care for speed.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, Uri};
use keygate::WrongReason;

/// The location of a key in a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Location {
    Header(&'static str),
    Scheme(&'static str),
    Query(&'static str),
    Cookie(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Wrong { reason: WrongReason, by_bearer: bool },
    Key { key: Vec<u8>, by_bearer: bool },
}

const LONGEST_KEY: usize = 512;

/// The first location with a value decides.
pub(crate) fn read(locations: &[Location], headers: &HeaderMap, uri: &Uri) -> Found {
    let found = locations.iter().map(|location| read_location(location, headers, uri));
    found.into_iter().find(|found| *found != Found::Nothing).unwrap_or(Found::Nothing)
}

fn read_location(location: &Location, headers: &HeaderMap, uri: &Uri) -> Found {
    match location {
        Location::Header(name) => {
            let values = headers.get_all(*name).iter().map(|value| value.as_bytes().to_vec());
            one_of(values.collect(), false)
        }
        Location::Cookie(name) => {
            let mut values = Vec::new();
            for line in headers.get_all(COOKIE) {
                for pair in line.as_bytes().split(|byte| *byte == b';') {
                    let mut halves = pair.splitn(2, |byte| *byte == b'=');
                    if let (Some(left), Some(right)) = (halves.next(), halves.next())
                        && left.trim_ascii() == name.as_bytes()
                    {
                        values.push(right.trim_ascii().to_vec());
                    }
                }
            }
            one_of(values, false)
        }
        Location::Query(name) => {
            let pairs = uri.query().unwrap_or("").split('&').map(|pair| {
                let (left, right) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(left), decode(right))
            });
            one_of(
                pairs.filter(|(left, _)| left == name.as_bytes()).map(|(_, right)| right).collect(),
                false,
            )
        }
        Location::Scheme(scheme) => {
            let lines: Vec<_> = headers
                .get_all(AUTHORIZATION)
                .iter()
                .map(|value| words(value.as_bytes()))
                .collect();
            let is = |name: &[u8], scheme: &str| name.eq_ignore_ascii_case(scheme.as_bytes());
            match &lines[..] {
                [] => Found::Nothing,
                [(name, key)] if is(name, scheme) => one_of(vec![key.clone()], *scheme == "Bearer"),
                [_] => Found::Nothing,
                several => Found::Wrong {
                    reason: WrongReason::Ambiguous,
                    by_bearer: several.iter().any(|(name, _)| is(name, "bearer")),
                },
            }
        }
    }
}

/// One value is a key, several are ambiguous, and a blank one is nothing.
fn one_of(values: Vec<Vec<u8>>, by_bearer: bool) -> Found {
    match &values[..] {
        [] => Found::Nothing,
        [value] if value.iter().all(|byte| *byte == b' ' || *byte == b'\t') => Found::Nothing,
        [value] if value.len() > LONGEST_KEY => {
            Found::Wrong { reason: WrongReason::Malformed, by_bearer }
        }
        [value] => Found::Key { key: value.clone(), by_bearer },
        _ => Found::Wrong { reason: WrongReason::Ambiguous, by_bearer },
    }
}

/// The scheme, and all that follows the blanks behind it.
pub(crate) fn words(value: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let value = value.trim_ascii();
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let name: Vec<u8> = value.iter().copied().take_while(|byte| !is_blank(byte)).collect();
    let key = value[name.len()..].trim_ascii().to_vec();
    (name, key)
}

/// Of `application/x-www-form-urlencoded`, as bytes.
fn decode(text: &str) -> Vec<u8> {
    let text = text.as_bytes();
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            (byte, ..) => bytes.push(byte),
        }
        at += 1;
    }
    bytes
}
