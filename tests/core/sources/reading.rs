//! A key is read exactly as it was written, and two keys are never read as one.

use http::Request;
use keygate::{Authenticator, KeyDigest, Source, WrongReason};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::sources::{all, base64};
use crate::common::stores::Anyone;
use crate::sources::writing::{
    OTHER_PARAMETERS, OTHER_PROTOCOLS, Written, authorization, cookies, key_in_cookie,
    key_in_header, parameter, request,
};

/// The digest that the store looks up, or the error before any lookup.
fn looked_up(source: Source, request: Request<()>) -> Result<KeyDigest, Option<WrongReason>> {
    let store = Anyone::default();
    let auth = Authenticator::new(store.clone()).with_sources_in_parts([source]).unwrap();
    let result = auth.verify_parts(&request.into_parts().0);
    let digest = store.last_lookup();
    assert_eq!(result.is_ok(), digest.is_some());
    result.map(|_| digest.unwrap()).map_err(|error| error.reason())
}

/// A key as a WebSocket's protocol may carry it (RFC 9110 section 5.6.2).
fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,504}"
}

/// Decodes base64 by searching for bytes that encode to it.
fn decoded(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |digit| DIGITS.find(digit).map(|value| u8::try_from(value).unwrap());
    let digits = text.trim_end_matches('=').chars().map(value).collect::<Option<Vec<_>>>()?;
    let bit = |at: usize| digits[at / 6] >> (5 - at % 6) & 1;
    let byte = |at: usize| (at..at + 8).fold(0, |byte, at| byte << 1 | bit(at));
    let bytes: Vec<u8> = (0..digits.len() * 6 / 8).map(|index| byte(index * 8)).collect();
    let encoded = base64(&bytes);
    (encoded == text || encoded.trim_end_matches('=') == text).then_some(bytes)
}

const AMBIGUOUS: Result<KeyDigest, Option<WrongReason>> = Err(Some(WrongReason::Ambiguous));

fn query(ours: &[Written], others: &[&str], place: prop::sample::Index) -> String {
    let mut pairs = others.to_vec();
    let place = place.index(pairs.len() + 1);
    let ours = ours.iter().map(|written| std::str::from_utf8(&written.text).unwrap());
    pairs.splice(place..place, ours);
    format!("/?{}", pairs.join("&"))
}

fn cookie(key: &[u8]) -> Vec<u8> {
    [b"key=", key].concat()
}

proptest! {
    #[test]
    fn key_in_a_header_is_read_exactly(key in key_in_header()) {
        let lines = [("accept", &b"*/*"[..]), ("x-key", &key), ("x-keys", b"other")];
        let request = request("/", &lines);
        prop_assert_eq!(looked_up(Source::header("X-Key"), request), Ok(KeyDigest::of(&key)));
    }

    #[test]
    fn keys_in_two_lines_of_a_header_are_ambiguous(
        one in key_in_header(), other in key_in_header(), same in any::<bool>()
    ) {
        let other = if same { &one } else { &other };
        let request = request("/", &[("x-key", &one), ("x-key", other)]);
        prop_assert_eq!(looked_up(Source::header("x-key"), request), AMBIGUOUS);
    }

    #[test]
    fn key_after_bearer_is_read_exactly(written in authorization("bearer")) {
        let request = request("/", &[("authorization", &written.text)]);
        prop_assert_eq!(looked_up(Source::bearer(), request), Ok(KeyDigest::of(&written.key)));
    }

    #[test]
    fn key_after_a_scheme_is_read_exactly(written in authorization("x-Api-Key")) {
        let request = request("/", &[("authorization", &written.text)]);
        let source = Source::scheme("X-API-Key");
        prop_assert_eq!(looked_up(source, request), Ok(KeyDigest::of(&written.key)));
    }

    #[test]
    fn key_in_basic_is_read_exactly(
        (name, password) in (".{0,20}", "\\PC{0,20}"), key in vec(any::<u8>(), 1..=512),
        padded in any::<bool>(),
    ) {
        prop_assume!(!key.iter().all(|byte| b" \t".contains(byte)));
        let name = name.replace(':', "");
        let pairs = [
            ([name.as_bytes(), b":", &key].concat(), &key),
            ([key.as_slice(), b":"].concat(), &key),
            (format!("{name}:{password}x").into_bytes(), &format!("{password}x").into_bytes()),
        ];
        for (pair, key) in pairs {
            // A colon ends a user name.
            prop_assume!(pair.last() != Some(&b':') || !key.contains(&b':'));
            let encoded = base64(&pair);
            let encoded = if padded { &*encoded } else { encoded.trim_end_matches('=') };
            let request = request("/", &[("authorization", format!("basic {encoded}"))]);
            prop_assert_eq!(looked_up(Source::basic(), request), Ok(KeyDigest::of(key)));
        }
    }

    #[test]
    fn text_in_basic_that_is_not_base64_is_malformed(text in "[A-Za-z0-9+/=_-]{1,24}") {
        let request = request("/", &[("authorization", format!("Basic {text}"))]);
        let has_colon = decoded(&text).is_some_and(|bytes| bytes.contains(&b':'));
        let reason = looked_up(Source::basic(), request).err();
        let malformed = reason == Some(Some(WrongReason::Malformed));
        prop_assert_eq!(malformed, !has_colon);
    }

    #[test]
    fn key_among_websocket_protocols_is_read_exactly(
        key in token(), others in vec(select(OTHER_PROTOCOLS), 0..6),
        place in any::<prop::sample::Index>(), new_lines in vec(any::<bool>(), 7),
    ) {
        let ours = format!("keygate.{key}");
        let mut protocols = others;
        protocols.insert(place.index(protocols.len() + 1), &ours);
        let mut lines: Vec<String> = Vec::new();
        for (protocol, new_line) in protocols.into_iter().zip(new_lines) {
            match lines.last_mut() {
                Some(line) if !new_line => line.extend([", ", protocol]),
                _ => lines.push(protocol.to_owned()),
            }
        }
        let lines: Vec<_> = lines.iter().map(|line| ("sec-websocket-protocol", line)).collect();
        let source = Source::websocket_protocol("keygate.");
        prop_assert_eq!(looked_up(source, request("/", &lines)), Ok(KeyDigest::of(key.as_bytes())));
    }

    /// Every source can carry a token.
    #[test]
    fn key_is_the_same_in_every_source(key in token(), prefix in 1..20_usize) {
        let digest = KeyDigest::of(key.as_bytes());
        for case in all() {
            let request = case.request(key.as_bytes());
            prop_assert_eq!(looked_up(case.source.clone(), request.clone()), Ok(digest));
            let prefix = &key[..prefix.min(key.len())];
            let source = case.source.clone().with_prefix(prefix);
            prop_assert_eq!(looked_up(source.clone(), request), Ok(digest));
            // A source reads a text with the prefix, and no other.
            let other = case.request(format!("_{key}").as_bytes());
            let is_ours = format!("_{key}").starts_with(prefix);
            prop_assert_eq!(looked_up(source, other).is_ok(), is_ours, "{:?}", case.constructor);
        }
    }

    #[test]
    fn keys_after_two_schemes_are_ambiguous(
        one in authorization("bearer"),
        other in prop_oneof![authorization("bearer"), authorization("basic")],
        swapped in any::<bool>(),
    ) {
        let (one, other) = if swapped { (other, one) } else { (one, other) };
        let request = request("/", &[("authorization", &one.text), ("authorization", &other.text)]);
        prop_assert_eq!(looked_up(Source::bearer(), request), AMBIGUOUS);
    }

    #[test]
    fn key_in_the_query_is_read_exactly(
        written in parameter("key"),
        others in vec(select(OTHER_PARAMETERS), 0..5),
        place in any::<prop::sample::Index>(),
    ) {
        let target = query(std::slice::from_ref(&written), &others, place);
        let request = request::<&str>(&target, &[]);
        prop_assert_eq!(looked_up(Source::query("key"), request), Ok(KeyDigest::of(&written.key)));
    }

    #[test]
    fn parameter_name_may_be_any_text(
        written in parameter("größe & co=1"), place in any::<prop::sample::Index>()
    ) {
        let target = query(std::slice::from_ref(&written), &["a=1"], place);
        let request = request::<&str>(&target, &[]);
        let source = Source::query("größe & co=1");
        prop_assert_eq!(looked_up(source, request), Ok(KeyDigest::of(&written.key)));
    }

    #[test]
    fn keys_in_two_parameters_are_ambiguous(
        ours in vec(parameter("key"), 2..4),
        others in vec(select(OTHER_PARAMETERS), 0..5),
        place in any::<prop::sample::Index>(),
    ) {
        let request = request::<&str>(&query(&ours, &others, place), &[]);
        prop_assert_eq!(looked_up(Source::query("key"), request), AMBIGUOUS);
    }

    #[test]
    fn key_in_a_cookie_is_read_exactly(
        (key, lines) in key_in_cookie().prop_flat_map(|key| {
            let lines = cookies(vec![cookie(&key)]);
            (Just(key), lines)
        })
    ) {
        let lines: Vec<_> = lines.iter().map(|line| ("cookie", line)).collect();
        let request = request("/", &lines);
        prop_assert_eq!(looked_up(Source::cookie("key"), request), Ok(KeyDigest::of(&key)));
    }

    #[test]
    fn keys_in_two_cookies_are_ambiguous(
        lines in vec(key_in_cookie(), 2..4).prop_flat_map(|keys| {
            cookies(keys.iter().map(|key| cookie(key)).collect())
        })
    ) {
        let lines: Vec<_> = lines.iter().map(|line| ("cookie", line)).collect();
        prop_assert_eq!(looked_up(Source::cookie("key"), request("/", &lines)), AMBIGUOUS);
    }
}
