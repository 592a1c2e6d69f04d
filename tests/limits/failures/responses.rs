//! Throttled failures, as callers and observers see them.

use std::sync::{Arc, Mutex};

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use keygate::client::Transport;
use keygate::{ApiKeyLayer, AuthError, Authenticator, Outcome, WrongReason};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::clock::fake_clock;
use crate::common::keys::{DISABLED, EXPIRED, Keys, REVOKED, RIGHT, WRONG};
use crate::failures::fixture::{HOME, guarded, parts, throttle, wait_for};

type Refusal = (StatusCode, HeaderMap, String);

fn refusal(auth: &Authenticator<Keys>, parts: &Parts) -> Refusal {
    let error = auth.verify_parts(parts).unwrap_err();
    let (head, body) = auth.respond::<String>(&error).into_parts();
    (head.status, head.headers, body)
}

#[test]
fn throttled_response_has_only_the_retry_time() {
    let auth = guarded(Keys).throttle_failures(throttle()).with_clock(fake_clock().reader());
    let responses = [(); 4].map(|()| refusal(&auth, &parts(WRONG, HOME)));
    let (status, headers, body) = &responses[3];
    assert_eq!(*status, StatusCode::TOO_MANY_REQUESTS);
    let expected = [
        ("cache-control", "no-store"),
        ("content-type", "application/problem+json"),
        ("retry-after", "6"),
    ];
    let mut seen: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
    seen.sort_by_key(|(name, _)| *name);
    assert_eq!(
        seen,
        expected
            .map(|(name, value)| (name, &*Box::leak(Box::new(HeaderValue::from_static(value)))))
    );
    assert_eq!(body, r#"{"title":"Too Many Requests","status":429,"detail":"Too many requests"}"#);
    let error = auth.verify_parts(&parts(WRONG, HOME)).unwrap_err();
    assert_eq!((error.reason(), error.key_id()), (Some(WrongReason::Unknown), None));
    let AuthError::Throttled(throttled) = error else { panic!("{error}") };
    assert!(throttled.client().is_none());
    assert!(!format!("{throttled:?}").contains(HOME));
}

/// Neither a response nor the first 429 shows why a key is wrong.
#[test]
fn all_wrong_keys_get_the_same_responses() {
    let long = "k".repeat(600);
    let course = |key: &str| {
        let clock = fake_clock();
        let auth = guarded(Keys).throttle_failures(throttle()).with_clock(clock.reader());
        let mut responses = Vec::new();
        for _ in 0..6 {
            responses.push(refusal(&auth, &parts(key, HOME)));
            clock.advance(std::time::Duration::from_secs(1));
        }
        // The response to the next wrong key is the same, too.
        responses.push(refusal(&auth, &parts(WRONG, HOME)));
        responses
    };
    let expected = course(WRONG);
    let statuses: Vec<_> = expected.iter().map(|(status, ..)| status.as_u16()).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429, 429, 401]);
    for key in [REVOKED, EXPIRED, DISABLED, &long] {
        assert!(course(key) == expected, "{}", &key[..8]);
    }
}

#[test]
fn ambiguous_keys_count_too() {
    let auth = guarded(Keys).throttle_failures(throttle()).with_clock(fake_clock().reader());
    let mut several = parts(RIGHT, HOME);
    several.headers.append("x-api-key", HeaderValue::from_static(RIGHT));
    let statuses = [(); 4].map(|()| refusal(&auth, &several).0.as_u16());
    assert_eq!(statuses, [401, 401, 401, 429]);
    assert!(auth.verify_parts(&parts(RIGHT, HOME)).is_ok());
}

/// Otherwise, a caller would learn from a 429 that a key is wrong.
#[test]
fn wrong_key_in_clear_counts_and_looks_like_a_right_one() {
    for waits in [false, true] {
        let store: Arc<dyn keygate::KeyStore> =
            if waits { Arc::new(crate::common::stores::Later(Keys)) } else { Arc::new(Keys) };
        let auth = guarded(store).throttle_failures(throttle()).require_tls();
        let auth = auth.with_clock(fake_clock().reader());
        let refused = |key, transport| {
            let mut parts = parts(key, HOME);
            parts.extensions.insert(transport);
            wait_for(auth.authenticate_parts(&parts)).unwrap_err()
        };
        for key in [WRONG, RIGHT, WRONG, "x", RIGHT, WRONG, WRONG, RIGHT] {
            let error = refused(key, Transport::Clear);
            assert!(matches!(error, AuthError::SentInClear(_)), "{error:?}, waits: {waits}");
        }
        assert_eq!(refused(WRONG, Transport::Tls).status(), 429, "waits: {waits}");
    }
}

#[test]
fn observers_receive_each_outcome_once() {
    for waits in [false, true] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let reported = Arc::clone(&log);
        let observer = move |outcome: &Outcome<'_>| {
            let client = outcome.client().map(|client| client.name().to_owned());
            reported.lock().unwrap().push((outcome.name(), client));
        };
        let store: Arc<dyn keygate::KeyStore> =
            if waits { Arc::new(crate::common::stores::Later(Keys)) } else { Arc::new(Keys) };
        let auth = guarded(store).throttle_failures(throttle()).add_observer(observer);
        let auth = auth.with_clock(fake_clock().reader());
        let inner =
            service_fn(|_: Request<()>| async { Ok::<_, String>(Response::new(String::new())) });
        let service = ApiKeyLayer::from(auth.clone()).layer(inner);
        for key in [RIGHT, WRONG, WRONG, REVOKED, WRONG, WRONG, RIGHT] {
            let request = Request::from_parts(parts(key, HOME), ());
            wait_for(service.clone().oneshot(request)).unwrap();
        }
        if let Err(error) = wait_for(auth.authenticate_parts(&parts(WRONG, HOME))) {
            let _: Response<String> = auth.respond(&error);
        }
        let expected = [
            ("admitted", Some("User 1")),
            ("unknown", None),
            ("unknown", None),
            ("revoked", Some("Revoked")),
            ("too_many_failures", None),
            ("too_many_failures", None),
            ("admitted", Some("User 1")),
            ("too_many_failures", None),
        ];
        let seen = log.lock().unwrap();
        let seen: Vec<_> = seen.iter().map(|(name, client)| (*name, client.as_deref())).collect();
        assert_eq!(seen, expected, "waits: {waits}");
    }
}
