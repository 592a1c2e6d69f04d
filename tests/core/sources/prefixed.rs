//! Keys share a place with other credentials, which their prefix distinguishes.

use http::Request;
use http::request::Parts;
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, Source};

use crate::common::keys::{Keys, RIGHT, RIGHT_TOO};
use crate::common::services::{respond, seen_behind};
use crate::common::sources::{SourceCase, all};
use crate::sources::writing::request;

/// The beginning of [`RIGHT`], and not of [`RIGHT_TOO`].
const PREFIX: &str = "08zE";

fn auth(case: &SourceCase) -> Authenticator<Keys, Parts> {
    let source = case.source.clone().with_prefix(PREFIX);
    Authenticator::new(Keys).with_sources_in_parts([source]).unwrap()
}

#[tokio::test]
async fn text_without_the_prefix_is_absent_and_kept() {
    for case in all() {
        let other = case.request(RIGHT_TOO.as_bytes());
        let error = auth(&case).verify_parts(&other.clone().into_parts().0).unwrap_err();
        assert!(matches!(error, AuthError::NoCredentials), "{:?}", case.constructor);
        let layer = || ApiKeyLayer::from(auth(&case)).strip_credentials();
        let refused = respond(&layer(), other.clone()).await;
        assert_eq!(refused.headers()["www-authenticate"], case.challenge);
        // The service behind an optional layer can check it.
        let seen = seen_behind(&layer().optional(), other.clone()).await.unwrap();
        assert!(seen.extensions.get::<Client>().is_none());
        assert_eq!((&seen.uri, &seen.headers), (other.uri(), other.headers()));
    }
}

#[tokio::test]
async fn text_with_the_prefix_is_read_and_stripped() {
    for case in all() {
        for layer in [auth(&case).into(), ApiKeyLayer::from(auth(&case)).optional()] {
            let right = case.request(RIGHT.as_bytes());
            let seen = seen_behind(&layer.strip_credentials(), right).await.unwrap();
            assert_eq!(seen.extensions.get::<Client>().unwrap().name(), "User 1");
            assert_eq!(seen.uri, "/path?a=1", "{:?}", case.constructor);
            assert_eq!(seen.headers.len(), 1, "{:?}", case.constructor);
        }
        let wrong = case.request(b"08zEwrong");
        let response = respond(&ApiKeyLayer::from(auth(&case)).optional(), wrong).await;
        assert_eq!(response.status(), 401, "{:?}", case.constructor);
    }
}

#[tokio::test]
async fn blank_text_is_not_anonymous() {
    for case in all() {
        let layer = ApiKeyLayer::from(auth(&case)).optional();
        let response = respond(&layer, case.request(b"")).await;
        assert_eq!(response.status(), 401, "{:?}", case.constructor);
    }
}

#[tokio::test]
async fn key_beside_another_credential_is_ambiguous() {
    for case in all() {
        for (one, other) in [(RIGHT, RIGHT_TOO), (RIGHT_TOO, RIGHT), (RIGHT, RIGHT)] {
            let mut request = case.request(one.as_bytes());
            (case.write)(&mut request, other.as_bytes());
            let error = auth(&case).verify_parts(&request.into_parts().0).unwrap_err();
            assert!(matches!(error, AuthError::WrongCredentials(_)), "{:?}", case.constructor);
        }
        let mut request = case.request(RIGHT_TOO.as_bytes());
        (case.write)(&mut request, RIGHT_TOO.as_bytes());
        let layer = ApiKeyLayer::from(auth(&case)).optional();
        assert_eq!(respond(&layer, request).await.body(), "nobody", "{:?}", case.constructor);
    }
}

/// The lines of `Authorization` that are left after stripping.
async fn left(source: &Source, lines: &[&str]) -> Vec<String> {
    let lines: Vec<_> = lines.iter().map(|line| ("authorization", line)).collect();
    let sources = [Source::header("x-key"), source.clone()];
    let auth = Authenticator::new(Keys).with_sources(sources).unwrap();
    let mut request: Request<()> = request("/", &lines);
    request.headers_mut().insert("x-key", RIGHT.parse().unwrap());
    let seen = seen_behind(&ApiKeyLayer::from(auth).strip_credentials(), request).await.unwrap();
    let left = seen.headers.get_all("authorization").iter();
    left.map(|line| line.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn keys_without_a_well_formed_scheme_are_stripped() {
    let misspelt = [
        "08zEkey",
        "Bearer:08zEkey",
        "Bearer: 08zEkey",
        "\"Bearer 08zEkey\"",
        "Bearer",
        "Basic: OjA4ekVrZXk=",
    ];
    let others = [
        "Hawk a2V5",
        "eyJhbGciOiJFUzI1NiJ9",
        "Bearer eyJhbGciOiJFUzI1NiJ9",
        "Bearer: eyJhbGci",
        "",
    ];
    let cases = all().into_iter().filter(|case| case.header == Some("authorization"));
    let sources: Vec<_> = cases.map(|case| case.source.with_prefix(PREFIX)).collect();
    for line in misspelt {
        let mut kept = 0;
        for source in &sources {
            kept += left(source, &[line]).await.len();
        }
        assert!(kept < sources.len(), "{line}");
    }
    for source in &sources {
        assert_eq!(left(source, &misspelt[..1]).await, [""; 0], "{source:?}");
        assert_eq!(left(source, &others).await, others, "{source:?}");
    }
}
