//! A key is read back exactly as it was written, and two are never taken for one.

use http::Request;
use keygate::{Authenticator, KeyDigest, Source, WrongReason};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::stores::Anyone;
use crate::sources::writing::{
    OTHER_PARAMETERS, Written, authorization, cookies, key_in_cookie, key_in_header, parameter,
    request,
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
    fn key_behind_bearer_is_read_exactly(written in authorization("bearer")) {
        let request = request("/", &[("authorization", &written.text)]);
        prop_assert_eq!(looked_up(Source::bearer(), request), Ok(KeyDigest::of(&written.key)));
    }

    #[test]
    fn key_behind_a_scheme_is_read_exactly(written in authorization("x-Api-Key")) {
        let request = request("/", &[("authorization", &written.text)]);
        let source = Source::scheme("X-API-Key");
        prop_assert_eq!(looked_up(source, request), Ok(KeyDigest::of(&written.key)));
    }

    #[test]
    fn keys_behind_two_schemes_are_ambiguous(
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
    fn name_of_the_parameter_may_be_any_text(
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
