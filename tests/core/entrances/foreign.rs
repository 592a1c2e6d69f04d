//! Requests in the types of other HTTP stacks.

use std::time::Duration;

use http::HeaderMap;
use keygate::client::ClientAddress;
use keygate::error::Misconfiguration;
use keygate::testing::FakeClock;
use keygate::{AuthError, Authenticator, Source, WrongReason};

use crate::common::keys::{Keys, RIGHT, end};

#[test]
fn query_without_a_uri_is_misconfigured_and_never_skipped() {
    let sources = [Source::header("x-api-key"), Source::query("api_key")];
    let auth = Authenticator::new(Keys).with_sources_in_parts(sources).unwrap();
    let is_misconfigured =
        |error: &AuthError| matches!(error, AuthError::Misconfigured(Misconfiguration::NoUri));
    for headers in [vec![], vec![("x-api-key", RIGHT.as_bytes())]] {
        let refused = auth.verify_headers(headers, None, None).unwrap_err();
        assert!(is_misconfigured(&refused), "{refused:?}");
    }
    let target = format!("/route1?api_key={RIGHT}");
    assert_eq!(auth.verify_headers([], Some(&target), None).unwrap().name(), "User 1");
}

#[test]
fn target_that_is_not_a_uri_is_refused() {
    let sources = [Source::header("x-api-key"), Source::query("api_key")];
    let auth = Authenticator::new(Keys).with_sources_in_parts(sources).unwrap();
    let headers = [("x-api-key", RIGHT.as_bytes())];
    let refused = auth.verify_headers(headers, Some("/a b"), None).unwrap_err();
    assert_eq!(refused.reason(), Some(WrongReason::Malformed));
    // Without a source in the query, the target is not read.
    let auth = Authenticator::new(Keys);
    assert!(auth.verify_headers(headers, Some("/a b"), None).is_ok());
}

#[test]
fn malformed_header_is_refused_if_it_matters() {
    let auth = Authenticator::new(Keys);
    let with = |name, value| {
        let headers = [("x-api-key", RIGHT.as_bytes()), (name, value)];
        auth.verify_headers(headers, None, None).map_err(|error| error.reason())
    };
    assert_eq!(with("x-api-key", b"a\nb").unwrap_err(), Some(WrongReason::Malformed));
    assert_eq!(with("x-api-key", b"").unwrap_err(), Some(WrongReason::Ambiguous));
    assert!(with("x-other", b"a\nb").is_ok());
    assert!(with("not a name", b"a").is_ok());
}

#[test]
fn too_many_headers_for_a_map_are_refused() {
    let names: Vec<_> = (0..40_000).map(|number| format!("x-{number}")).collect();
    let many = names.iter().map(|name| (&**name, &b"1"[..]));
    let many = || many.clone().chain([("x-api-key", RIGHT.as_bytes())]);
    // The function that defines the address may read each of them.
    let reading = Authenticator::new(Keys).with_client_address(ClientAddress::peer());
    let refused = reading.verify_headers(many(), None, None).unwrap_err();
    assert_eq!(refused.reason(), Some(WrongReason::Malformed));
    assert!(Authenticator::new(Keys).verify_headers(many(), None, None).is_ok());
}

#[test]
fn caching_headers_of_the_service_are_kept() {
    let auth =
        Authenticator::new(Keys).with_clock(FakeClock::at(end() - Duration::from_secs(1)).reader());
    let client = auth.verify_key(RIGHT.as_bytes()).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("vary", "Accept, X-Api-Key".parse().unwrap());
    headers.insert("cache-control", "max-age=60".parse().unwrap());
    let before = headers.clone();
    auth.finish_response(&mut headers, &client);
    assert_eq!(headers, before);
    auth.finish_refusal(&mut headers, &client.require("a").unwrap_err());
    assert_eq!(headers["cache-control"], "no-store");
}
