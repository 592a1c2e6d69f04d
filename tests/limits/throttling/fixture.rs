use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use keygate::client::Rate;
use keygate::testing::FakeClock;
use keygate::{AuthError, Client, ClientProfile, MemoryStore, Quota, Throttle};
use tower::ServiceExt as _;

use crate::clock::fake_clock;

pub(crate) const KEY: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";

/// A throttle in memory with a fake clock.
pub(crate) fn throttle() -> Throttle {
    throttle_at(&fake_clock())
}

/// Counts in memory, by this clock.
pub(crate) fn throttle_at(clock: &FakeClock) -> Throttle {
    Throttle::new().with_clock(clock.reader())
}

pub(crate) fn rate(text: &str, burst: u32) -> Rate {
    text.parse::<Rate>().unwrap().with_burst(burst).unwrap()
}

pub(crate) fn client(name: &str, quota: impl Into<Quota>) -> Client {
    Client::for_test(ClientProfile::new(name).with_quota(quota.into()))
}

pub(crate) fn several() -> Quota {
    Quota::all_of([rate("10/second", 10), rate("15/minute", 15)]).unwrap()
}

pub(crate) fn admitted(throttle: &Throttle, client: &Client, tries: usize) -> usize {
    (0..tries).filter(|_| throttle.check(client).is_ok()).count()
}

pub(crate) fn throttled(throttle: &Throttle, client: &Client) -> (u64, HeaderMap) {
    let error = throttle.check(client).unwrap_err();
    let auth = keygate::Authenticator::new(MemoryStore::new());
    let response: Response<String> = auth.respond(&error);
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let AuthError::Throttled(throttled) = error else { panic!("{error}") };
    (throttled.retry_after(), response.headers().clone())
}

pub(crate) async fn send(app: &Router, target: &str, key: &str) -> Response<Body> {
    let request = Request::get(target).header("x-api-key", key).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}
