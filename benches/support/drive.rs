use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::marker::PhantomData;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderName, Request, Response};
use tower::Service;

use super::clock::processor_time;
use super::probes::Probes;

pub(crate) static X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The service behind every subject. It is always ready, and never waits.
pub(crate) struct Handler<B>(PhantomData<fn() -> B>);

impl<B> Handler<B> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<B> Clone for Handler<B> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<Q, B: From<&'static str>> Service<Request<Q>> for Handler<B> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Ready<Result<Response<B>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        black_box(&request);
        ready(Ok(Response::new(B::from("hello"))))
    }
}

/// An endless sequence of requests, each with a key or, by default, without one.
#[derive(Clone, Default)]
pub(crate) struct Requests(Option<Probes>);

impl Requests {
    pub(crate) fn with_keys(probes: Probes) -> Self {
        Self(Some(probes))
    }

    #[inline]
    fn next<Q: Default>(&mut self) -> Request<Q> {
        let mut request = Request::new(Q::default());
        if let Some(probes) = &mut self.0 {
            request.headers_mut().insert(&X_API_KEY, probes.value());
        }
        request
    }
}

/// Sends one request through a service that never waits.
#[inline]
pub(crate) fn answer<S, Q>(service: &mut S, request: Request<Q>) -> S::Response
where
    S: Service<Request<Q>, Error: Debug>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready(), "the service is always ready");
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(response) => response.expect("the service responds"),
        Poll::Pending => unreachable!("the service never waits"),
    }
}

/// Measures the nanoseconds per request, from building the request to dropping the response.
#[inline(never)]
pub(crate) fn time<Q: Default, R>(
    count: u32,
    requests: &mut Requests,
    mut answer: impl FnMut(Request<Q>) -> R,
) -> f64 {
    let start = processor_time();
    for _ in 0..count {
        let response = answer(requests.next());
        black_box(&response);
    }
    (processor_time() - start) / f64::from(count)
}

/// Measures a function from requests to responses, with warm caches.
pub(crate) fn calling<Q: Default, R>(
    count: u32,
    mut requests: Requests,
    mut answer: impl FnMut(Request<Q>) -> R,
) -> impl FnMut() -> f64 {
    move || {
        time(count, &mut requests, &mut answer);
        time(count, &mut requests, &mut answer)
    }
}

/// Measures a service.
pub(crate) fn through<S, Q>(count: u32, requests: Requests, mut service: S) -> impl FnMut() -> f64
where
    S: Service<Request<Q>, Error: Debug>,
    Q: Default,
{
    calling(count, requests, move |request| answer(&mut service, request))
}
