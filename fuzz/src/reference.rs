//! A reference implementation that reads the credentials of a request, without regard to speed.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use keygate::WrongReason;

use crate::cases::base64;

/// The location of a key in a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Location {
    Header(&'static str),
    Raw(&'static str),
    Scheme(&'static str),
    Basic,
    Query(&'static str),
    Cookie(&'static str),
    Protocol(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Wrong { reason: WrongReason, by_bearer: bool },
    Key { key: Vec<u8>, by_bearer: bool },
}

const LONGEST_KEY: usize = 512;

/// The first location with a value decides. Texts without the prefix are not keys.
pub(crate) fn read(locations: &[Location], prefix: &str, headers: &HeaderMap, uri: &Uri) -> Found {
    let found = locations.iter().map(|location| read_location(location, prefix, headers, uri));
    found.into_iter().find(|found| *found != Found::Nothing).unwrap_or(Found::Nothing)
}

fn read_location(location: &Location, prefix: &str, headers: &HeaderMap, uri: &Uri) -> Found {
    let lines = |name: &str| {
        headers.get_all(name).iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>()
    };
    let values = match location {
        Location::Header(name) => lines(name),
        Location::Raw(name) => match &lines(name)[..] {
            [line] if lacks_key(line) => Vec::new(),
            [line] if words(line).1.is_empty() => vec![words(line).0],
            [_] => Vec::new(),
            several => several.to_vec(),
        },
        Location::Cookie(name) => {
            let mut values = Vec::new();
            for line in lines("cookie") {
                for pair in line.split(|byte| *byte == b';') {
                    let mut halves = pair.splitn(2, |byte| *byte == b'=');
                    if let (Some(left), Some(right)) = (halves.next(), halves.next())
                        && left.trim_ascii() == name.as_bytes()
                    {
                        values.push(right.trim_ascii().to_vec());
                    }
                }
            }
            values
        }
        Location::Protocol(before) => {
            let protocols = lines("sec-websocket-protocol").join(&b',');
            let protocols = protocols.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            let ours = protocols.filter(|protocol| protocol.starts_with(before.as_bytes()));
            ours.map(|protocol| protocol[before.len()..].to_vec()).collect()
        }
        Location::Query(name) => {
            let pairs = uri.query().unwrap_or("").split('&').map(|pair| {
                let (left, right) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(left), decode(right))
            });
            pairs.filter(|(left, _)| left == name.as_bytes()).map(|(_, right)| right).collect()
        }
        Location::Scheme(scheme) => {
            let by_bearer = *scheme == "Bearer";
            return authorization(scheme, prefix, headers, |key| {
                one_of(vec![key.to_vec()], prefix, by_bearer)
            });
        }
        Location::Basic => {
            return authorization("Basic", prefix, headers, |pair| match password(pair) {
                Some(key) => one_of(vec![key], prefix, false),
                None if prefix.is_empty() => {
                    Found::Wrong { reason: WrongReason::Malformed, by_bearer: false }
                }
                None => Found::Nothing,
            });
        }
    };
    one_of(values, prefix, false)
}

fn authorization(
    scheme: &str,
    prefix: &str,
    headers: &HeaderMap,
    read: impl Fn(&[u8]) -> Found,
) -> Found {
    let lines = headers.get_all(AUTHORIZATION).iter().map(|value| words(value.as_bytes()));
    let lines: Vec<_> = lines.collect();
    let is = |name: &[u8], scheme: &str| name.eq_ignore_ascii_case(scheme.as_bytes());
    let found = |(name, key): &(Vec<u8>, Vec<u8>)| {
        if is(name, scheme) && !key.is_empty() { read(key) } else { Found::Nothing }
    };
    // A line that may be a key without its scheme, or a scheme without its key.
    let is_blank = |(name, key): &(Vec<u8>, Vec<u8>)| match &key[..] {
        b"" => is(name, scheme) || contains(name, prefix.as_bytes()),
        key => is(name, scheme) && is_blank_pair(scheme, key),
    };
    match &lines[..] {
        [] => Found::Nothing,
        [line] => found(line),
        several
            if !prefix.is_empty()
                && several.iter().all(|line| found(line) == Found::Nothing && !is_blank(line)) =>
        {
            Found::Nothing
        }
        several => Found::Wrong {
            reason: WrongReason::Ambiguous,
            by_bearer: several.iter().any(|(name, _)| is(name, "bearer")),
        },
    }
}

/// Returns whether Basic credentials have neither a name nor a password.
fn is_blank_pair(scheme: &str, pair: &[u8]) -> bool {
    let blank = |key: Vec<u8>| key.iter().all(|byte| *byte == b' ' || *byte == b'\t');
    scheme == "Basic" && password(pair).is_some_and(blank)
}

pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// The password of Basic credentials, or the name if it is empty.
fn password(pair: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = std::str::from_utf8(pair).ok()?;
    let digits = text.trim_end_matches('=').chars().map(|digit| DIGITS.find(digit));
    let digits = digits.collect::<Option<Vec<_>>>()?;
    let bit = |at: usize| digits[at / 6] >> (5 - at % 6) & 1;
    let byte = |at: usize| (at..at + 8).fold(0, |byte, at| byte << 1 | bit(at) as u8);
    let bytes: Vec<u8> = (0..digits.len() * 6 / 8).map(|index| byte(index * 8)).collect();
    // The bytes that encode to the same text.
    let encoded = base64(&bytes);
    if encoded != text && encoded.trim_end_matches('=') != text {
        return None;
    }
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (name, password) = (&bytes[..colon], &bytes[colon + 1..]);
    Some(if password.is_empty() { name } else { password }.to_vec())
}

/// Returns whether a line has only the name of a well-known scheme.
fn lacks_key(line: &[u8]) -> bool {
    let line = line.trim_ascii().to_ascii_lowercase();
    line == b"bearer" || line == b"basic"
}

/// One value is a key, several are ambiguous, and a blank one is absent.
fn one_of(values: Vec<Vec<u8>>, prefix: &str, by_bearer: bool) -> Found {
    let is_blank = |value: &[u8]| value.iter().all(|byte| *byte == b' ' || *byte == b'\t');
    let is_ours = |value: &Vec<u8>| value.starts_with(prefix.as_bytes()) || is_blank(value);
    match &values[..] {
        values if !values.iter().any(is_ours) => Found::Nothing,
        [value] if is_blank(value) => Found::Nothing,
        [value] if value.len() > LONGEST_KEY => {
            Found::Wrong { reason: WrongReason::Malformed, by_bearer }
        }
        [value] => Found::Key { key: value.clone(), by_bearer },
        _ => Found::Wrong { reason: WrongReason::Ambiguous, by_bearer },
    }
}

/// The scheme, and everything after the blanks that follow it.
pub(crate) fn words(value: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let value = value.trim_ascii();
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let name: Vec<u8> = value.iter().copied().take_while(|byte| !is_blank(byte)).collect();
    let key = value[name.len()..].trim_ascii().to_vec();
    (name, key)
}

/// Decodes `application/x-www-form-urlencoded` to bytes.
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
