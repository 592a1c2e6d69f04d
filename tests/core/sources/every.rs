//! Rules for every kind of source.

use std::collections::BTreeSet;

use http::{HeaderValue, Request, Response};
use keygate::error::ConfigError;
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, KeyStore, Source, WrongReason};

use crate::common::keys::{Keys, RIGHT, RIGHT_TOO, WRONG};
use crate::common::polling::at_once;
use crate::common::reply::lines;
use crate::common::services::{respond, seen_behind};
use crate::common::sources::{Constructor, SourceCase, all, without_key};
use crate::common::stores::Later;

fn auth<S: KeyStore>(store: S, source: &Source) -> Authenticator<S, http::request::Parts> {
    Authenticator::new(store).with_sources_in_parts([source.clone()]).unwrap()
}

/// The result of every entrance, which must be the same.
async fn verify(case: &SourceCase, request: &Request<()>) -> Result<Client, AuthError> {
    let parts = request.clone().into_parts().0;
    let result = auth(Keys, &case.source).verify_parts(&parts);
    let assert_same = |other: Result<Client, AuthError>| {
        assert_eq!(format!("{result:?}"), format!("{other:?}"), "{:?}", case.constructor);
    };
    assert_same(at_once(auth(Keys, &case.source).authenticate_parts(&parts)));
    for response in responses(case, request.clone(), |layer| layer, |layer| layer).await {
        let client = response.extensions().get::<Client>().cloned();
        assert_same(
            client.ok_or_else(|| response.extensions().get::<AuthError>().unwrap().clone()),
        );
    }
    if case.header.is_some() {
        let in_headers = Authenticator::new(Keys).with_sources([case.source.clone()]).unwrap();
        assert_same(in_headers.verify(&parts.headers));
        assert_same(at_once(in_headers.authenticate(&parts.headers)));
    }
    result
}

/// The responses of a layer with a local store, and with a store that waits.
async fn responses(
    case: &SourceCase,
    request: Request<()>,
    options: fn(ApiKeyLayer<Keys>) -> ApiKeyLayer<Keys>,
    later_options: fn(ApiKeyLayer<Later<Keys>>) -> ApiKeyLayer<Later<Keys>>,
) -> [Response<String>; 2] {
    let layer = options(auth(Keys, &case.source).into());
    let waiting = later_options(auth(Later(Keys), &case.source).into());
    [respond(&layer, request.clone()).await, respond(&waiting, request).await]
}

/// The names of the constructors of `Source`.
fn constructors() -> impl Iterator<Item = &'static str> {
    let source = include_str!("../../../src/credential/source.rs");
    let functions = source.split("pub fn ").skip(1).map(|rest| rest.split('(').next().unwrap());
    functions.filter(|name| !name.starts_with("with_"))
}

#[test]
fn list_of_sources_has_every_constructor() {
    let listed = all().into_iter().map(|case| format!("{:?}", case.constructor).to_lowercase());
    let constructors = constructors().map(|name| name.replace('_', ""));
    assert_eq!(listed.collect::<BTreeSet<_>>(), constructors.collect::<BTreeSet<_>>());
}

#[test]
fn guide_lists_every_source() {
    let guide = include_str!("../../../docs/sources.md");
    for name in constructors() {
        assert!(guide.contains(&format!("\n| `Source::{name}(")), "{name}");
    }
}

#[test]
fn debug_of_a_source_names_its_constructor() {
    for case in all() {
        let shown = format!("{:?}", case.source);
        let name = shown.split('(').next().unwrap().replace('_', "");
        let constructor = match case.constructor {
            Constructor::Bearer => Constructor::Scheme,
            other => other,
        };
        assert_eq!(name, format!("{constructor:?}").to_lowercase(), "{shown}");
    }
}

/// A key would be read together with the scheme or the name in front of it.
#[test]
fn header_of_another_source_is_not_a_key() {
    for case in all().into_iter().filter(|case| case.constructor != Constructor::Header) {
        let Some(header) = case.header else { continue };
        let refused = Authenticator::new(Keys).with_sources([Source::header(header)]);
        let error = refused.map(drop).unwrap_err();
        assert_eq!(error, ConfigError::SharedHeader(header), "{:?}", case.constructor);
        let remedies = error.to_string().replace('_', "").to_lowercase();
        let constructor = format!("source::{:?}(", case.constructor).to_lowercase();
        assert!(remedies.contains(&constructor), "{error}");
    }
}

#[tokio::test]
async fn right_key_is_admitted() {
    for case in all() {
        let request = case.request(RIGHT.as_bytes());
        assert_eq!(verify(&case, &request).await.unwrap().name(), "User 1");
        for response in responses(&case, request, |layer| layer, |layer| layer).await {
            assert_eq!(response.body(), "User 1", "{:?}", case.constructor);
            let vary: Vec<_> = case.header.into_iter().collect();
            assert_eq!(lines(&response, "vary"), vary);
        }
    }
}

#[tokio::test]
async fn wrong_key_is_refused_with_the_challenge_of_its_source() {
    for case in all() {
        let request = case.request(WRONG.as_bytes());
        let error = verify(&case, &request).await.unwrap_err();
        assert_eq!(error.reason(), Some(WrongReason::Unknown), "{:?}", case.constructor);
        let invalid_token = match case.constructor {
            Constructor::Bearer => r#", error="invalid_token""#,
            Constructor::Header
            | Constructor::Scheme
            | Constructor::Cookie
            | Constructor::Query
            | Constructor::Basic
            | Constructor::HeaderRaw
            | Constructor::WebsocketProtocol => "",
        };
        for response in responses(&case, request, |layer| layer, |layer| layer).await {
            assert_eq!(response.status(), 401);
            let challenge = format!("{}{invalid_token}", case.challenge);
            assert_eq!(lines(&response, "www-authenticate"), [challenge]);
        }
    }
}

#[tokio::test]
async fn missing_key_is_challenged_and_anonymous_if_optional() {
    for case in all() {
        let error = verify(&case, &without_key()).await.unwrap_err();
        assert!(matches!(error, AuthError::NoCredentials), "{:?}", case.constructor);
        for response in responses(&case, without_key(), |layer| layer, |layer| layer).await {
            assert_eq!(lines(&response, "www-authenticate"), [case.challenge]);
        }
        let optional =
            responses(&case, without_key(), ApiKeyLayer::optional, ApiKeyLayer::optional);
        for response in optional.await {
            assert_eq!(response.body(), "nobody", "{:?}", case.constructor);
        }
    }
}

#[tokio::test]
async fn blank_key_is_missing_but_never_anonymous() {
    for case in all() {
        let request = case.request(b"");
        let error = verify(&case, &request).await.unwrap_err();
        assert!(matches!(error, AuthError::NoCredentials), "{:?}", case.constructor);
        for response in
            responses(&case, request, ApiKeyLayer::optional, ApiKeyLayer::optional).await
        {
            assert_eq!(response.status(), 401, "{:?}", case.constructor);
        }
    }
}

#[tokio::test]
async fn two_keys_are_ambiguous() {
    for case in all() {
        let mut request = case.request(RIGHT.as_bytes());
        (case.write)(&mut request, RIGHT_TOO.as_bytes());
        let error = verify(&case, &request).await.unwrap_err();
        assert_eq!(error.reason(), Some(WrongReason::Ambiguous), "{:?}", case.constructor);
    }
}

#[tokio::test]
async fn key_that_is_too_long_is_malformed() {
    for case in all() {
        for (length, reason) in [(512, WrongReason::Unknown), (513, WrongReason::Malformed)] {
            let request = case.request(&vec![b'k'; length]);
            let error = verify(&case, &request).await.unwrap_err();
            assert_eq!(error.reason(), Some(reason), "{:?}", case.constructor);
        }
    }
}

#[tokio::test]
async fn key_is_sensitive_and_other_headers_are_not() {
    for case in all() {
        let request = case.request(RIGHT.as_bytes());
        let local = seen_behind(&auth(Keys, &case.source).into(), request.clone()).await.unwrap();
        let later = seen_behind(&auth(Later(Keys), &case.source).into(), request.clone()).await;
        let mut redacted = request.headers().clone();
        auth(Keys, &case.source).redact(&mut redacted);
        for headers in [local.headers, later.unwrap().headers, redacted] {
            for (name, value) in &headers {
                assert_eq!(value.is_sensitive(), case.header == Some(name.as_str()), "{name}");
                assert_eq!(value, request.headers()[name]);
            }
        }
    }
}

/// If an earlier source decides, the service sees keys that this source would refuse.
#[tokio::test]
async fn every_line_with_a_key_is_sensitive() {
    for case in all() {
        let sources = [Source::header("x-decides"), case.source.clone()];
        let auth = Authenticator::new(Keys).with_sources_in_parts(sources).unwrap();
        let mut request = case.request(RIGHT_TOO.as_bytes());
        (case.write)(&mut request, &[b'k'; 513]);
        request.headers_mut().insert("x-decides", RIGHT.parse().unwrap());
        let seen = seen_behind(&auth.into(), request.clone()).await.unwrap();
        assert_eq!(seen.headers, *request.headers());
        for (name, value) in &seen.headers {
            assert_eq!(value.is_sensitive(), name != "accept", "{name} of {:?}", case.constructor);
        }
    }
}

#[tokio::test]
async fn strip_removes_the_key_and_nothing_else() {
    for case in all() {
        for key in [RIGHT, RIGHT_TOO] {
            let layer = ApiKeyLayer::from(auth(Keys, &case.source)).strip_credentials();
            let seen = seen_behind(&layer, case.request(key.as_bytes())).await.unwrap();
            assert_eq!(seen.uri, *without_key().uri(), "{:?}", case.constructor);
            assert_eq!(seen.headers, *without_key().headers(), "{:?}", case.constructor);
        }
    }
}

/// The first source decides, and the keys in the others are hidden and removed like its own.
#[tokio::test]
async fn first_source_decides_and_all_are_stripped() {
    for first in all() {
        let others = || all().into_iter().filter(|case| case.header != first.header);
        let sources = std::iter::once(first.source.clone()).chain(others().map(|case| case.source));
        let auth = Authenticator::new(Keys).with_sources_in_parts(sources).unwrap();
        let mut request = first.request(RIGHT.as_bytes());
        let mut headers = BTreeSet::new();
        for other in others().filter(|other| headers.insert(other.header)) {
            (other.write)(&mut request, RIGHT_TOO.as_bytes());
        }
        let seen = seen_behind(&auth.clone().into(), request.clone()).await.unwrap();
        assert_eq!(seen.extensions.get::<Client>().unwrap().name(), "User 1");
        let keys = seen.headers.iter().filter(|(name, _)| *name != "accept");
        assert!(keys.map(|(_, value)| value).all(HeaderValue::is_sensitive));
        let layer = ApiKeyLayer::from(auth).strip_credentials();
        let seen = seen_behind(&layer, request).await.unwrap();
        assert_eq!((&seen.uri, &seen.headers), (without_key().uri(), without_key().headers()));
    }
}

#[test]
fn only_sources_in_headers_are_read_from_headers() {
    for case in all() {
        let in_headers = Authenticator::new(Keys).with_sources([case.source.clone()]);
        assert_eq!(in_headers.is_ok(), case.header.is_some(), "{:?}", case.constructor);
    }
}
