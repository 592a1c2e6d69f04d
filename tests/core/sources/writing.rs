//! Strategies that write a key into a request in every valid way.

use http::{HeaderValue, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A key, and the text of a source that carries it.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) key: Vec<u8>,
    pub(crate) text: Vec<u8>,
}

/// A key as a header may carry it: any bytes without controls and outer blanks.
pub(crate) fn key_in_header() -> impl Strategy<Value = Vec<u8>> {
    let inner = prop_oneof![
        4 => prop::char::range('!', '~').prop_map(|char| char as u8),
        1 => select(vec![b' ', b'\t', b',', b';', b'=', b'"', b'%', b'+', b'&']),
        1 => 0x80..=0xff_u8,
    ];
    vec(inner, 1..=512).prop_filter("outer blanks are no part of a field", |key| {
        !is_blank(key[0]) && !is_blank(key[key.len() - 1])
    })
}

/// A key as a cookie may carry it: no semicolons either.
pub(crate) fn key_in_cookie() -> impl Strategy<Value = Vec<u8>> {
    key_in_header().prop_map(|key| {
        key.into_iter().map(|byte| if byte == b';' { b'_' } else { byte }).collect()
    })
}

/// A key as the query may carry it: any bytes at all, but not only blanks.
pub(crate) fn key_in_query() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..=512)
        .prop_filter("blanks alone are no key", |key| !key.iter().all(|byte| is_blank(*byte)))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `SCHEME KEY` in any case, with any blanks between and around the two.
pub(crate) fn authorization(scheme: &'static str) -> impl Strategy<Value = Written> {
    let blanks = |least| prop::collection::vec(select(vec![b' ', b'\t']), least..4);
    (key_in_header(), in_any_case(scheme), blanks(1), blanks(0)).prop_map(
        |(key, scheme, before, behind)| {
            let text = [scheme.as_bytes(), &before, &key, &behind].concat();
            Written { key, text }
        },
    )
}

fn in_any_case(text: &'static str) -> impl Strategy<Value = String> {
    vec(any::<bool>(), text.len()).prop_map(move |upper| {
        let chars = text.chars().zip(upper);
        chars
            .map(
                |(char, upper)| {
                    if upper { char.to_ascii_uppercase() } else { char.to_ascii_lowercase() }
                },
            )
            .collect()
    })
}

/// `NAME=VALUE` in any spelling that `application/x-www-form-urlencoded` has for each byte.
pub(crate) fn parameter(name: &'static str) -> impl Strategy<Value = Written> {
    key_in_query().prop_flat_map(move |key| {
        let name = spelled(name.as_bytes(), "!$'()*,;:@/");
        let value = spelled(&key, "!$'()*,;:@/=?");
        (name, value).prop_map(move |(name, value)| {
            let text = format!("{name}={value}").into_bytes();
            Written { key: key.clone(), text }
        })
    })
}

/// Every byte as itself, where that is allowed, or as an escape.
fn spelled(text: &[u8], plain: &'static str) -> impl Strategy<Value = String> + use<> {
    let text = text.to_owned();
    vec(0..3_u8, text.len()).prop_map(move |ways| {
        let spell = |(&byte, way): (&u8, u8)| match way {
            0 if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            0 if b"-._~".contains(&byte) => char::from(byte).to_string(),
            0 if plain.as_bytes().contains(&byte) => char::from(byte).to_string(),
            0 if byte == b' ' => "+".to_owned(),
            1 => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        };
        text.iter().zip(ways).map(spell).collect()
    })
}

/// A pair among others, split over lines in any way.
pub(crate) fn cookies(ours: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let others = vec(select(OTHER_COOKIES), 0..6);
    (others, any::<prop::sample::Index>(), vec((any::<bool>(), select(SEPARATORS)), 10)).prop_map(
        move |(others, place, joints)| {
            let mut pairs: Vec<Vec<u8>> =
                others.iter().map(|pair| pair.as_bytes().into()).collect();
            let place = place.index(pairs.len() + 1);
            pairs.splice(place..place, ours.clone());
            let mut lines: Vec<Vec<u8>> = Vec::new();
            for (pair, (new_line, separator)) in pairs.into_iter().zip(joints) {
                match lines.last_mut() {
                    Some(line) if !new_line => {
                        line.extend(separator.as_bytes());
                        line.extend(pair);
                    }
                    _ => lines.push(pair),
                }
            }
            lines
        },
    )
}

pub(crate) const OTHER_COOKIES: &[&str] =
    &["theme=dark", "Key=1", "keys=1", "key2=key=3", "xkey=4", "a=\"key=5\"", "b=", "key", ""];
/// Subprotocols of a WebSocket that do not begin with `keygate.`.
pub(crate) const OTHER_PROTOCOLS: &[&str] = &["chat", "keygate", "Keygate.x", "xkeygate.1"];
pub(crate) const SEPARATORS: &[&str] = &["; ", ";", " ; ", ";  "];

/// Parameters with other names than `key`.
pub(crate) const OTHER_PARAMETERS: &[&str] = &[
    "a=1",
    "Key=1",
    "keys=1",
    "key%32=2",
    "xkey=3",
    "b=key",
    "c=%6bey%3D1",
    "%26key=4",
    "",
    "=",
    "key%3D5",
];

/// A request of these lines, to this target.
pub(crate) fn request<V: AsRef<[u8]>>(target: &str, lines: &[(&str, V)]) -> Request<()> {
    let mut request = Request::builder().uri(target);
    for (name, value) in lines {
        request = request.header(*name, HeaderValue::from_bytes(value.as_ref()).unwrap());
    }
    request.body(()).unwrap()
}
