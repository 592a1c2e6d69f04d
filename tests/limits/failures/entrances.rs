//! Every way to verify a request counts failures, and gives the same responses.

use std::convert::Infallible;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use keygate::client::ClientAddress;
use keygate::{ApiKeyLayer, Authenticator, KeyStore, MemoryStore};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::clock::fake_clock;
use crate::common::keys::{DISABLED, EXPIRED, Keys, REVOKED, RIGHT, WRONG};
use crate::common::stores::Later;
use crate::failures::fixture::{ELSEWHERE, HOME, guarded, guess, parts, throttle, wait_for};

type Entrance = Box<dyn FnMut(Parts) -> StatusCode>;

fn status<T>(result: Result<T, keygate::AuthError>) -> StatusCode {
    result.map_or_else(|error| error.status(), |_| StatusCode::OK)
}

fn layer<S: KeyStore + Clone>(auth: Authenticator<S>) -> Entrance {
    let inner =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(String::new())) });
    let service = ApiKeyLayer::from(auth).layer(inner);
    Box::new(move |parts| {
        let response = service.clone().oneshot(Request::from_parts(parts, ()));
        wait_for(response).unwrap().status()
    })
}

fn later<S: KeyStore>(auth: Authenticator<S>) -> Entrance {
    Box::new(move |parts| status(wait_for(auth.authenticate_parts(&parts))))
}

#[test]
fn entrances_give_the_same_responses_over_every_store() {
    fn auth<S: KeyStore>(store: S) -> Authenticator<S> {
        guarded(store).throttle_failures(throttle()).with_clock(fake_clock().reader())
    }
    let local = auth(Keys);
    let entrances: [Entrance; 5] = [
        Box::new(move |parts| status(local.verify_parts(&parts))),
        later(auth(Keys)),
        later(auth(Later(Keys))),
        layer(auth(Keys)),
        layer(auth(Later(Keys))),
    ];
    for (number, mut entrance) in entrances.into_iter().enumerate() {
        let mut status = |key: &str, from: &str| entrance(parts(key, from)).as_u16();
        assert_eq!(status(RIGHT, HOME), 200);
        let keys = [WRONG, &guess(1), EXPIRED, &guess(2), REVOKED, DISABLED, RIGHT, WRONG, RIGHT];
        let statuses = keys.map(|key| status(key, HOME));
        assert_eq!(statuses, [401, 401, 401, 429, 429, 429, 200, 429, 200], "entrance {number}");
        assert_eq!(status(WRONG, ELSEWHERE), 401, "entrance {number}");
    }
}

#[test]
fn entrance_with_headers_alone_counts_by_headers() {
    let by_header = |headers: &HeaderMap, extensions: &http::Extensions| {
        assert!(extensions.is_empty());
        headers.get("x-from-the-proxy")?.to_str().ok()?.parse().ok()
    };
    let auth = Authenticator::new(Keys)
        .with_client_address(ClientAddress::by(by_header))
        .throttle_failures(throttle())
        .with_clock(fake_clock().reader());
    let attempt = |key: &str, from: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", key.parse().unwrap());
        headers.insert("x-from-the-proxy", from.parse().unwrap());
        [status(auth.verify(&headers)), status(wait_for(auth.authenticate(&headers)))]
            .map(|status| status.as_u16())
    };
    assert_eq!(attempt(WRONG, HOME), [401, 401]);
    assert_eq!(attempt(WRONG, HOME), [401, 429]);
    assert_eq!(attempt(RIGHT, HOME), [200, 200]);
    assert_eq!(attempt(WRONG, ELSEWHERE), [401, 401]);
}

#[test]
fn optional_layer_throttles_wrong_keys_and_no_anonymous_request() {
    let auth = guarded(Arc::new(MemoryStore::new())).throttle_failures(throttle());
    let inner =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(String::new())) });
    let service = ApiKeyLayer::from(auth.with_clock(fake_clock().reader())).optional().layer(inner);
    let attempt = |parts: Parts| {
        let response = service.clone().oneshot(Request::from_parts(parts, ()));
        wait_for(response).unwrap().status().as_u16()
    };
    let mut anonymous = parts(WRONG, HOME);
    anonymous.headers.clear();
    assert_eq!([(); 5].map(|()| attempt(parts(WRONG, HOME))), [401, 401, 401, 429, 429]);
    assert_eq!(attempt(anonymous), 200);
}
