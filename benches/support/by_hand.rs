use std::future::{Future, Ready, ready};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{Request, Response, StatusCode};
use keygate::{Client, KeyId};
use pin_project_lite::pin_project;
use tower::Service;

/// Hand-written usage and throttle around any service: `governor`, and a map with the count and the last use of each
/// key. Nothing is forgotten, there are no windows, and all keys have the same quota.
pub(crate) fn counted_and_limited<S>(inner: S) -> Counted<Limited<S>> {
    let quota = Quota::per_second(NonZeroU32::MAX);
    let limiter = Arc::new(RateLimiter::dashmap(quota));
    Counted { inner: Limited { inner, limiter }, counts: Arc::default() }
}

type Limiter = RateLimiter<KeyId, DashMapStateStore<KeyId>, DefaultClock>;

#[derive(Clone)]
pub(crate) struct Counted<S> {
    inner: S,
    counts: Arc<papaya::HashMap<KeyId, Counts>>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    last_seen: AtomicU64,
}

impl<B, S: Service<Request<B>>> Service<Request<B>> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(client) = request.extensions().get::<Client>() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let counts = self.counts.pin();
            let counts = counts.get_or_insert_with(client.key_id(), Counts::default);
            counts.requests.fetch_add(1, Ordering::Relaxed);
            counts.last_seen.store(now.as_secs(), Ordering::Relaxed);
        }
        self.inner.call(request)
    }
}

#[derive(Clone)]
pub(crate) struct Limited<S> {
    inner: S,
    limiter: Arc<Limiter>,
}

impl<B, R, S> Service<Request<B>> for Limited<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = LimitedFuture<S::Future, Ready<Result<Response<R>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let client = request.extensions().get::<Client>();
        if client.is_some_and(|client| self.limiter.check_key(&client.key_id()).is_ok()) {
            return LimitedFuture::Allowed { future: self.inner.call(request) };
        }
        let mut response = Response::new(R::default());
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        LimitedFuture::Refused { future: ready(Ok(response)) }
    }
}

pin_project! {
    #[project = Projection]
    pub(crate) enum LimitedFuture<F, G> {
        Allowed { #[pin] future: F },
        Refused { #[pin] future: G },
    }
}

impl<F: Future, G: Future<Output = F::Output>> Future for LimitedFuture<F, G> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projection::Allowed { future } => future.poll(cx),
            Projection::Refused { future } => future.poll(cx),
        }
    }
}
