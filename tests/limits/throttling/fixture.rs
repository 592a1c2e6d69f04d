use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use keygate::client::Rate;
use keygate::limit::MemoryCounters;
use keygate::{AuthError, Client, ClientProfile, MemoryStore, Quota, Throttle};
use tower::ServiceExt as _;

pub(crate) const KEY: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";

/// A clock that stands still until it is set, at a time between two seconds.
#[derive(Clone)]
pub(crate) struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_400)))
    }

    pub(crate) fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    pub(crate) fn set_back(&self, millis: u64) {
        self.0.fetch_sub(millis, Ordering::Relaxed);
    }

    pub(crate) fn throttle(&self) -> Throttle {
        self.over(MemoryCounters::new())
    }

    pub(crate) fn over<C>(&self, counters: C) -> Throttle<C> {
        let millis = Arc::clone(&self.0);
        let now = move || UNIX_EPOCH + Duration::from_millis(millis.load(Ordering::Relaxed));
        Throttle::with_counters(counters).with_clock(now)
    }
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

pub(crate) async fn ask(app: &Router, target: &str, key: &str) -> Response<Body> {
    let request = Request::get(target).header("x-api-key", key).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}
